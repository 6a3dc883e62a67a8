/** The secret of a Domain that pseudonyms are derived with. */
export interface Pepper {
  /**
   * The 32 bytes of one Domain. Resolved on every call and never kept by the caller beyond one operation. Rejects
   * with `pepper_unavailable` rather than ever giving another value. Safe to call at once.
   */
  pepperOf(domainId: string): Promise<Uint8Array>
}

/** Where peppers are kept one by one, and so can be put. */
export interface PepperVault extends Pepper {
  /**
   * Puts the 32 bytes of a Domain that has none; resolves with whether this call did. What is there is never written
   * over, deleted versions included. Rejects with `pepper_unavailable`.
   */
  create(domainId: string, pepper: Uint8Array): Promise<boolean>
}

/** The key that list cursors are signed with (format.md, "Cursor"); 32 bytes. */
export interface CursorKey {
  cursorKey(): Promise<Uint8Array>
}
