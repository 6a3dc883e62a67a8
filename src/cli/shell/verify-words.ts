import type { GivenMirrors } from '../../base/advice.js'
import type { SourceName } from '../../ports/verify.js'
import { chainWords } from '../flags/chain-words.js'
import { logWords, namesWords } from './given-log.js'
import { fileWord, mirrorWords } from './mirror-words.js'

/** The copy that a command reads. */
export interface ReadCopy {
  readonly source: SourceName
  readonly chain: string | 'all'
  /** The path of a bundle, which names its chain itself. */
  readonly file?: string | undefined
  /** Where the mirrors are. Absent: as the environment says. */
  readonly given?: GivenMirrors | undefined
}

/** Returns the command that verifies a copy. A text that others gave may be in it: print it with `safe`. */
export function verifyWords(copy: ReadCopy): string {
  return `audit verify ${copyWords(copy)}`
}

/** Returns the command that verifies a copy of the log that this process reads. A text that others gave may be in it. */
export function verifyHereWords(copy: ReadCopy): string {
  return `audit verify ${copyHereWords(copy)}`
}

/** Returns the words that choose a copy of the log that this process reads. A text that others gave may be in it. */
export function copyHereWords(copy: ReadCopy): string {
  return `${copyWords(copy)}${copy.source === 'bundle' ? '' : logWords()}${namesWords()}`
}

/** Returns the words that choose a copy, for any command that reads it. A text that others gave may be in it. */
export function copyWords({ source, chain, file = 'FILE', given = {} }: ReadCopy): string {
  if (source === 'bundle') return fileWord(file)
  const what = chain === 'all' ? '--all' : chainWords(chain)
  return `${what}${source === 'postgres' ? '' : ` --source ${source}${mirrorWords(given)}`}`
}
