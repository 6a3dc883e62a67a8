import { AuditError } from '../../base/errors.js'
import { OutputFile } from '../../bundle/output-file.js'
import type { Context } from '../../compose/context.js'
import { openProofDeps } from '../../compose/read/proof-deps.js'
import { type MadeProof, makeProof, type RowToProve } from '../../proof/make-proof.js'
import { provenCheck } from '../../query/check.js'
import type { EntryProof } from '../../query/get.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { keyValues } from '../output/table.js'
import { type GetOptions, noteDamage, printRow, readRow } from '../query/get-run.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import type { ProofTarget } from './get-flags.js'
import { madeFields, madeJson } from './made.js'

/** Writes a proof of one row, to a file that does not exist yet or to stdout. Resolves with 1 for a row that does not recompute. */
export async function runGetProof(
  options: GetOptions,
  target: ProofTarget,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { path } = target
  const file = path === '-' ? undefined : new OutputFile(path, false, 'choose_other_proof')
  // Check first, before a database is opened or a server started in vain.
  await file?.assertFree()
  const read = await readRow(options, context, signal)
  if (provenCheck(read.proven.entry, read.proven).check === 'damaged') {
    if (file !== undefined) await printRow(options, read, context, out)
    await noteDamage(options, read, context)
    note('note: no proof was written: the row does not hash to its entry_hash')
    return EXIT.finding
  }
  const row = rowOf(read.proven)
  const made = await makeProof(row, target, await openProofDeps(context, chainOf(options)))
  if (file === undefined) await out.line(made.text.slice(0, -1))
  else await writeFile(file, made)
  read.problems.report()
  if (file === undefined) return EXIT.done
  if (options.json) await out.json(madeJson(path, row, target, made))
  else await out.line(keyValues(madeFields(path, row, target, made)))
  return EXIT.done
}

function writeFile(file: OutputFile, { text }: MadeProof): Promise<void> {
  return file.write((draft) => draft.writeFile(text))
}

function rowOf({ entry, canonicalBytes }: EntryProof): RowToProve {
  const { domainId, seq, prevHash = '', entryHash = '' } = entry
  return { domainId, seq, prevHash, entryHash, canonical: canonicalBytes }
}

function chainOf({ from }: GetOptions) {
  if (from.source !== 'bundle') return { source: from.source, domainId: from.domainId }
  throw new AuditError('usage', '--proof: an evidence file holds no tree')
}
