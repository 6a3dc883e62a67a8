import type { StreamOutcome } from '../../append/append-stream.js'
import type { AuditError } from '../../base/errors.js'
import { CommandError } from '../shell/command-error.js'
import { EXIT, exitOfError } from '../shell/exit-codes.js'
import type { Rejects } from './rejects.js'

export type Refused = Extract<StreamOutcome, { refused: AuditError }>

/** The progress of a run. */
export interface Tally {
  rows: number
  /** The chains that rows were appended to. */
  readonly chains: Set<string>
  /** Whether an entry had an idempotency key: its row may have been there before. */
  hasKeys: boolean
  seen: number
  /** The number of refused entries, without files that were set aside whole. */
  entries: number
  /** The files that were set aside whole. */
  readonly files: string[]
  /** The number of refused lines that are cut in the file of rejects. */
  cut: number
  /** The refusal to report: the first one that is not about the content of its line, otherwise the first one. */
  refused: Refused | undefined
}

/** Counts a refused entry or file. */
export function countRefused(outcome: Refused, tally: Tally): void {
  const { candidate } = outcome
  if (candidate.isFile) tally.files.push(candidate.where)
  else tally.entries += 1
  if (candidate.cut) tally.cut += 1
  if (tally.refused === undefined || (isOfLine(tally.refused) && !isOfLine(outcome))) tally.refused = outcome
}

/** Returns whether an entry was refused for its content, and not because of its chain or the pepper. */
function isOfLine({ refused }: Refused): boolean {
  return exitOfError(refused.code) === EXIT.refused && refused.code !== 'pepper_mismatch'
}

export function located({ refused, candidate: { where } }: Refused): string {
  return refused.message.startsWith(where) ? refused.message : `${where}: ${refused.message}`
}

/** Returns the error of a run with refused lines or files. It describes one of them; all are in the file. */
export function someRefused(refused: Refused, tally: Tally, rejects: Rejects | undefined): AuditError {
  const { rows, seen, entries, cut, files } = tally
  const code = isOfLine(refused) ? 'invalid_input' : refused.refused.code
  const ofEntries = `${entries} of ${seen} entries were refused`
  const ofFiles = `set aside whole: ${filesText(files)}`
  const what = files.length === 0 ? ofEntries : entries === 0 ? ofFiles : `${ofEntries}, ${ofFiles}`
  const cuts = cut === 0 ? '' : `; ${cut} over 1 MiB are cut there`
  const lines = entries === 0 ? 'their names' : 'the refused lines'
  const hint = rejects?.count === 0 ? undefined : `${lines} are in ${rejects?.path}${cuts}`
  return new CommandError(code, `${what}, ${rows} rows appended; ${located(refused)}`, hint)
}

/** Files that the error names; the rest is a number. */
const MAX_FILES = 20

function filesText(files: readonly string[]): string {
  const rest = files.length - MAX_FILES
  const names = files.slice(0, MAX_FILES).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
  return `${files.length} ${files.length === 1 ? 'file' : 'files'} (${names})`
}

/** Returns the last line of a run whose entries were all appended: how many, and how long it took. */
export function tallyText({ rows, chains, hasKeys }: Tally, milliseconds: number): string {
  const to = rows === 0 ? '' : ` to ${numbered(chains.size, 'chain')}`
  const again = hasKeys && rows > 0 ? ' (rows found again by their key count too)' : ''
  return `appended ${numbered(rows, 'row')}${to} in ${(milliseconds / 1000).toFixed(2)} s${again}`
}

function numbered(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`
}
