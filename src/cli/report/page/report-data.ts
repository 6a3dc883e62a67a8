import type { AuditError } from '../../../base/errors.js'
import type { ChainHead } from '../../../chain/entry.js'
import type { ElsewhereChain } from '../../../ports/domains.js'
import type { TallyResult } from '../../../report/tally.js'
import type { Verdict } from '../../../verify/verdict.js'

/** One chain of a report. */
export interface ChainReport {
  readonly domainId: string
  readonly name?: string | undefined
  /** Absent where the chain could not be verified. */
  readonly verdict?: Verdict | undefined
  /** Why the chain could not be verified, or is not proven intact. */
  readonly failure?: AuditError | undefined
  /** The selected rows, counted. Absent where none was read. */
  readonly tally?: TallyResult | undefined
  /** Heads from elsewhere that the chain had to contain. */
  readonly pins: readonly ChainHead[]
}

/** Where the details of the rows end, in the order of the table. */
export interface CutContext {
  readonly domainId: string
  readonly seq: number
}

/** What a report says, apart from the rows of its table. */
export interface ReportData {
  /** Name and version of this program. */
  readonly tool: string
  /** RFC 3339, UTC. */
  readonly madeAt: string
  /** The copy that was read, in one line for people; without credentials. */
  readonly copy: string
  readonly source: 'postgres' | 'mirror' | 'both' | 'bundle'
  readonly chains: readonly ChainReport[]
  /** Why not every chain of the log may be among the chains. */
  readonly doubts: readonly AuditError[]
  /** The chains in other mirrors, which were not checked. */
  readonly others: readonly ElsewhereChain[]
  /** The filter that selected the rows, as flags and values. Empty: every row of the segment is selected. */
  readonly filter: readonly (readonly [string, string])[]
  /** Whether the page holds addresses, user agents and metadata. */
  readonly hasContext: boolean
  /** The first row whose details the page had no room for. Absent: the page has those of all listed rows. */
  readonly contextCut?: CutContext | undefined
  /** Whether the page is a member of an evidence bundle. */
  readonly isInBundle: boolean
  /** Commands that repeat the check on this copy. */
  readonly commands: readonly string[]
}
