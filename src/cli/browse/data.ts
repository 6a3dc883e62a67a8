import type { EntryReader } from '../../ports/query.js'
import type { ScanProgress, SourceName } from '../../ports/verify.js'
import type { LeftOut } from './left-out.js'
import type { Chain, Checked, Problem, RowCopy } from './model/state.js'

/** One copy to read rows from. */
export interface ReadableCopy {
  readonly copy: RowCopy['copy']
  /** Opens the reader of the copy of one chain; the same reader for each call. */
  reader(domainId: string): Promise<EntryReader>
}

/** What the browser reads. Nothing here writes. */
export interface BrowseData {
  readonly source: SourceName
  /** A URL without credentials, or the path of a file. */
  readonly place: string
  /** The first one lists the rows. */
  readonly copies: readonly [ReadableCopy, ...ReadableCopy[]]
  /** Rejects where there is no chain, with the reason. `doubts`: why there may be more chains. */
  chains(signal: AbortSignal): Promise<{ chains: readonly Chain[]; doubts: readonly Problem[] }>
  /** Rows that filters of this session have left out, because they cannot be decoded. */
  readonly leftOut: LeftOut
  /** Derives the pseudonym of a person on one chain with the pepper. Rejects as `audit list --subject-id` does. */
  pseudonymOf(domainId: string, subjectId: string): Promise<string>
  /** Verifies one chain and writes nothing. Rejects with the error of what could not be checked. */
  verify(domainId: string, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Checked>
}
