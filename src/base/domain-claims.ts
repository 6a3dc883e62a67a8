import { mirrorOfPath, nameOfPath } from '../chain/self-audit.js'

/** What a row that creates a Domain says about it. */
export interface CreationClaim {
  readonly mirrorUrl?: string | undefined
  readonly name?: string | undefined
}

/**
 * What the records of one Domain say about its mirror and its name. Anybody who can write to the database can forge each
 * of them, so none says which mirror is used.
 */
export interface DomainClaims {
  /** The registry entries: one, or none. Several only where the primary key was dropped. */
  readonly registry: readonly { readonly name: string; readonly mirrorUrl?: string | undefined }[]
  /** The first row of the Domain's own chain; absent where there is none. */
  readonly genesis?: CreationClaim | undefined
  /** The row of the platform chain that records the creation; absent where there is none. */
  readonly creation?: CreationClaim | undefined
  /** The name that the newest naming row of the platform chain gives. */
  readonly renamed?: string | undefined
}

/** The claims of a chain that no record mentions. */
export const NO_CLAIMS: DomainClaims = { registry: [] }

/** Returns what a relation_path claims. A row that was forced into the table may have NULL for a step. */
export function claimOfPath(path: readonly (string | null)[]): CreationClaim {
  const steps = path.filter((step) => step !== null)
  return { mirrorUrl: mirrorOfPath(steps), name: nameOfPath(steps) }
}

/** Returns whether any record names a mirror of the Domain's own. */
export function namesOwnMirror({ registry, genesis, creation }: DomainClaims): boolean {
  return [...registry, genesis, creation].some((record) => record?.mirrorUrl !== undefined)
}
