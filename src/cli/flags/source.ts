import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { CopyName, SourceName } from '../../ports/verify.js'

/** The copy that a command reads. Only a bundle has a FILE, which is its path. */
export type ChosenCopy<S extends CopyName = CopyName> =
  | { readonly source: 'bundle'; readonly file: string }
  | { readonly source: S; readonly file?: undefined }

/** Returns the flag that chooses the copy. `does` is what the command does with it. Read with {@link chosenCopy}. */
export function sourceFlag(does: string, options: readonly SourceName[], more = '') {
  return Flags.string({
    options: [...options],
    summary: `which copy to ${does}; mirror and bundle need no database${more}; default: bundle with a FILE, else postgres`,
  })
}

/** Returns the source where none may be given: a FILE is a bundle. */
export function sourceOr(given: unknown, hasFile: boolean): SourceName {
  return typeof given === 'string' ? (given as SourceName) : hasFile ? 'bundle' : 'postgres'
}

/**
 * Returns the copy that --source and FILE choose together. The options of the flag must be the copies `S` and `bundle`. Throws
 * `usage` for a FILE with another source, and for a bundle without a FILE.
 */
export function chosenCopy<S extends CopyName>(
  given: string | undefined,
  word: string | undefined,
): ChosenCopy<S> {
  const file = parseFile(word)
  const source = sourceOr(given, file !== undefined)
  if (source !== 'bundle') {
    if (file === undefined) return { source: source as S }
    throw new AuditError('usage', `FILE and --source ${source} exclude each other: a FILE is a bundle`)
  }
  if (file === undefined) throw new AuditError('usage', '--source bundle: expected the FILE to read')
  return { source, file }
}

/** Returns the FILE of a command that takes no seq. Throws `usage` for digits alone, which are a seq. */
function parseFile(word: string | undefined): string | undefined {
  if (word === undefined || !isSeq(word)) return word
  throw new AuditError('usage', `${word} is a seq; expected a FILE: for a file of that name, give ./${word}`)
}

/** Returns the seq and the FILE among the arguments of a command, in either order. Throws `usage` for two of one kind. */
export function parseSeqAndFile(words: readonly (string | undefined)[]): {
  readonly seq?: string | undefined
  readonly file?: string | undefined
} {
  const given = words.filter((word) => word !== undefined)
  const [seqs, files] = [given.filter(isSeq), given.filter((word) => !isSeq(word))]
  if (seqs.length > 1 || files.length > 1)
    throw new AuditError('usage', 'expected at most one SEQ and one FILE; a file named by digits is ./NAME')
  return { seq: seqs[0], file: files[0] }
}

/** Returns whether an argument is a seq. Any other one is a FILE. */
export function isSeq(word: string): boolean {
  return /^\d+$/.test(word)
}
