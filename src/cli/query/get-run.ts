import { SELF_AUDIT } from '../../chain/self-audit.js'
import type { Context } from '../../compose/context.js'
import { revealReasonOf } from '../../compose/erasure.js'
import type { RowsFrom } from '../../compose/read/rows.js'
import { provenCheck } from '../../query/check.js'
import { type EntryProof, getEntry } from '../../query/get.js'
import type { Output } from '../output/output.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { withNeighbours } from './missing-rows.js'
import { noteProblem } from './note-problem.js'
import { openCopy, verifyCopyWords, withHints } from './open.js'
import { ReadProblems } from './read-problems.js'
import { printProof } from './text.js'

/** The options of `get`, parsed. */
export interface GetOptions {
  readonly from: RowsFrom
  readonly seq: number
  readonly json: boolean
}

/** Prints one row with its proof. Resolves with 1 for a row that does not recompute. */
export async function runGet(
  { from, seq, json }: GetOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const problems = new ReadProblems()
  const rows = await openCopy(context, from, { onProblem: problems.ofChain() })
  const { reader, domainId } = rows
  const read = () => getEntry(reader, domainId, seq)
  const proven = await withHints(context, from, signal, read).catch(async (error: unknown) => {
    throw await withNeighbours(error, context, from, rows, seq)
  })
  const isPostgres = from.source === 'postgres'
  const printed = isPostgres ? await withReason(context, proven) : proven
  await printProof(printed, { json, context: isPostgres }, out)
  const { check, problem } = provenCheck(proven.entry, proven)
  if (problem !== undefined) noteProblem({ seq, problem }, await verifyCopyWords(context, from, domainId))
  problems.report()
  return check === 'damaged' ? EXIT.finding : EXIT.done
}

/** Returns a row that records that a person was identified together with the reason, which is kept beside the chain. */
async function withReason(context: Context, proven: EntryProof): Promise<EntryProof> {
  const { entry } = proven
  if (entry.relation !== SELF_AUDIT.identityReveal) return proven
  const revealReason = await revealReasonOf(context, entry.domainId, entry.seq)
  return { ...proven, entry: { ...entry, revealReason } }
}
