import type { RowCheck } from '../../chain/evidence/finding-evidence.js'
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

/** One row, and what its copy could not show. */
export interface ReadRow {
  readonly proven: EntryProof
  readonly problems: ReadProblems
}

/** Prints one row with its proof. Resolves with 1 for a row that does not recompute. */
export async function runGet(
  options: GetOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const read = await readRow(options, context, signal)
  await printRow(options, read, context, out)
  const check = await noteDamage(options, read, context)
  return check === 'damaged' ? EXIT.finding : EXIT.done
}

/** Reads one row and recomputes it. Rejects as `getEntry` does; the error of a missing row names the rows next to it. */
export async function readRow(
  { from, seq }: GetOptions,
  context: Context,
  signal: AbortSignal,
): Promise<ReadRow> {
  const problems = new ReadProblems()
  const rows = await openCopy(context, from, { onProblem: problems.ofChain() })
  const { reader, domainId } = rows
  const read = () => getEntry(reader, domainId, seq)
  const proven = await withHints(context, from, signal, read).catch(async (error: unknown) => {
    throw await withNeighbours(error, context, from, rows, seq)
  })
  return { proven, problems }
}

export async function printRow(
  { from, json }: GetOptions,
  { proven }: ReadRow,
  context: Context,
  out: Output,
): Promise<void> {
  const isPostgres = from.source === 'postgres'
  const printed = isPostgres ? await withReason(context, proven) : proven
  await printProof(printed, { json, context: isPostgres }, out)
}

/** Notes what is wrong with a row and its copy. Returns the check of the row. */
export async function noteDamage(
  { from, seq }: GetOptions,
  { proven, problems }: ReadRow,
  context: Context,
): Promise<RowCheck> {
  const { check, problem } = provenCheck(proven.entry, proven)
  const { domainId } = proven.entry
  if (problem !== undefined) noteProblem({ seq, problem }, await verifyCopyWords(context, from, domainId))
  problems.report()
  return check
}

/** Returns a row that records that a person was identified together with the reason, which is kept beside the chain. */
async function withReason(context: Context, proven: EntryProof): Promise<EntryProof> {
  const { entry } = proven
  if (entry.relation !== SELF_AUDIT.identityReveal) return proven
  const revealReason = await revealReasonOf(context, entry.domainId, entry.seq)
  return { ...proven, entry: { ...entry, revealReason } }
}
