/** The secrets from which pseudonyms are derived, one for each Domain. */
export interface Pepper {
  /**
   * Returns the 32 bytes of one Domain, resolved on every call. The caller keeps them for one operation at most. Rejects
   * with `pepper_unavailable` and never returns another value. Concurrent calls are safe.
   */
  pepperOf(domainId: string): Promise<Uint8Array>
}

/** A source that stores each pepper separately, so that a pepper can be created in it. */
export interface PepperVault extends Pepper {
  /**
   * Stores the 32 bytes of a Domain that has no pepper. Returns whether this call stored them. An existing pepper is never
   * overwritten, nor is a deleted version. Rejects with `pepper_unavailable`.
   */
  create(domainId: string, pepper: Uint8Array): Promise<boolean>
}

/** The source of the 32-byte key that signs list cursors. */
export interface CursorKey {
  cursorKey(): Promise<Uint8Array>
}
