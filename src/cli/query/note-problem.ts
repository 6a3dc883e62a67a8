import type { RowJudge, RowProblem } from '../../query/row-judge.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'

/** Notes a row that is damaged or unlinked. `verify` is the command to run. */
export function noteProblem({ seq, problem }: Pick<RowProblem, 'seq' | 'problem'>, verify: string): void {
  note(safe`row ${seq} ${problem}; run: ${verify}`)
}

/** Notes how many rows of an answer are damaged or unlinked. */
export function noteFound({ counts, found }: RowJudge, verify: string): void {
  if (found === 0) return
  const { damaged, unlinked } = counts
  note(safe`note: damaged rows among these: ${damaged}; unlinked rows: ${unlinked}; run: ${verify}`)
}
