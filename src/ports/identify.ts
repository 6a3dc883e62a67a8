import type { ReadTime } from '../base/wire-time.js'
import type { AppendItem, Placed } from './append.js'

/** Whom a reveal is about, on one chain. */
export type Sought =
  | { readonly seq: number }
  | {
      /** 64 lower-case hex digits. */
      readonly pseudonym: string
      /** A UUID in lower case. Every subject whose mapping names this identity is included. */
      readonly identityId?: string | undefined
    }

/** What the mapping of a pseudonym holds. A field that was never given is absent. */
export interface KnownMapping {
  readonly identityId?: string | undefined
  readonly plaintext?: string | undefined
  readonly emailClaim?: string | undefined
  readonly sourceIp?: string | undefined
  readonly idpClaimNames: readonly string[]
  readonly firstSeenAt?: ReadTime | undefined
  readonly lastSeenAt?: ReadTime | undefined
}

/** A value in the contexts of a person's rows, and the number of those rows. */
export interface Seen {
  readonly value: string
  readonly rows: number
}

/** The values with the most rows first, up to a limit, and how many there are. */
export interface SeenValues {
  readonly values: readonly Seen[]
  readonly total: number
}

/** The rows of a pseudonym. They stay when the person is erased. */
export interface OwnRows {
  readonly count: number
  /** Absent where there is no row. */
  readonly firstSeq?: number | undefined
  readonly lastSeq?: number | undefined
  readonly firstAt?: ReadTime | undefined
  readonly lastAt?: ReadTime | undefined
}

/** The last row that records an erasure of the person. */
export interface RecordedErasure {
  readonly seq: number
  readonly erasedAt?: ReadTime | undefined
}

/** What one chain holds about one pseudonym. */
export interface KnownSubject {
  readonly pseudonym: string
  /** Absent for a person who was erased, or of whom no personal data was given. */
  readonly mapping?: KnownMapping | undefined
  readonly contexts: number
  readonly addresses: SeenValues
  readonly userAgents: SeenValues
  readonly rows: OwnRows
  readonly erasure?: RecordedErasure | undefined
}

export interface RevealedSubjects {
  /** The requested pseudonym first, then the others of its identity. */
  readonly subjects: readonly KnownSubject[]
  /** The self-audit rows by pseudonym: one for each subject with personal data. */
  readonly auditRows: ReadonlyMap<string, Placed>
}

/** What to reveal of one chain. */
export interface RevealRequest {
  readonly domainId: string
  readonly sought: Sought
  /** Returns the rows that record the reveal, one for each subject that it gets. */
  readonly selfAudit: (subjects: readonly KnownSubject[]) => AppendItem
}

export interface IdentifyStore {
  /** Returns the pseudonym of the first row of a chain, or undefined for a chain without rows. Rejects with `domain_not_found`. */
  genesisPseudonym(domainId: string): Promise<string | undefined>
  /**
   * Reads what each of the chains holds about a person, appends the rows of `selfAudit`, and stores the reason beside them.
   * All of that is one transaction under the locks of the chains, and resolves after a look that the rows and the reasons
   * are there. The results are in the order of the requests. Without personal data nothing is written. Rejects with
   * `entry_not_found` for a seq that a chain does not have, with the errors of an append, and with `write_undone` or
   * `outcome_unknown`.
   */
  reveal(requests: readonly RevealRequest[], reason: string): Promise<readonly RevealedSubjects[]>
}
