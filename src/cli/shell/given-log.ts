import { sharedUrl, withoutPassword } from '../flags/database-url.js'
import { quoted } from './mirror-words.js'

/** The flags that name the log, as far as they were typed. A variable also holds for the next command. */
export interface GivenLog {
  readonly home?: string | undefined
  readonly databaseUrl?: string | undefined
  /** The file of `--names`. */
  readonly names?: string | undefined
}

/** The flags of the command line that runs: a process runs one at a time. */
let given: GivenLog = {}

/** Sets the flags that the commands to run next repeat. */
export function takeGivenLog(log: GivenLog): void {
  given = log
}

/** Returns the flags that a command needs to open the same log, each after a space. No password is among them. */
export function logWords(): string {
  return wordsOf(given)
}

/** Returns the same flags for a reader with a role of their own: the URL has no user. */
export function sharedLogWords(): string {
  const { home, databaseUrl } = given
  return wordsOf({ home, databaseUrl: databaseUrl && sharedUrl(databaseUrl) })
}

function wordsOf({ home, databaseUrl }: GivenLog): string {
  const words = [
    ...(home === undefined ? [] : ['--home', quoted(home)]),
    ...(databaseUrl === undefined ? [] : ['--database-url', quoted(withoutPassword(databaseUrl))]),
  ]
  return words.map((word) => ` ${word}`).join('')
}

/** Returns `--names` with its file after a space, for a command that takes it. */
export function namesWords(): string {
  return given.names === undefined ? '' : ` --names ${quoted(given.names)}`
}

/** The commands that a sentence names, each with its topic. */
const COMMAND =
  /\baudit (?:(?:archive|checkpoint|db|domain|hold|key|log|pepper|quarantine|relation|retention) [a-z]+|append|archiver|browse|erase-identity|export|get|identify|list|pseudonym|report|serve|stats|verify)\b(?!-| --help)/g

/** Returns a sentence whose commands open the same log. */
export function onSameLog(sentence: string): string {
  const words = logWords()
  return words === '' ? sentence : sentence.replace(COMMAND, (command) => `${command}${words}`)
}
