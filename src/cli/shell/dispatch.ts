import { Config } from '@oclif/core/config'
import { normalizeArgv } from '@oclif/core/help'
import { settings } from '@oclif/core/settings'
import { safeText } from '../output/safe-text.js'
import { stdout } from '../output/streams.js'
import { wantsJson } from './bare-command.js'
import { CommandError } from './command-error.js'
import { AuditHelp } from './help.js'
import { closest } from './suggestion.js'

/**
 * Finds the command of an argv and runs it. oclif's own `run` is not used: without a command it ends with 0, and
 * its errors repeat the typed words, passwords included.
 */
export async function dispatch(argv: readonly string[], root: string): Promise<void> {
  // Never look for TypeScript sources instead of dist, whatever NODE_ENV says.
  settings.enableAutoTranspile = false
  const config = await Config.load({ root, userPlugins: false, devPlugins: false })
  const words = argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv]
  if (words[0] === '--version') await stdout.line(config.userAgent)
  else if (asksForHelp(words)) await showHelp(config, words)
  else await runCommand(config, words)
}

async function runCommand(config: Config, words: string[]): Promise<void> {
  const [id = '', ...rest] = normalizeArgv(config, [...words])
  const command = config.findCommand(id)
  if (command !== undefined) await config.runCommand(id, rest, command)
  else await refuse(config, words, id)
}

async function refuse(config: Config, words: string[], id: string): Promise<void> {
  const isTopic = (words[0] ?? '-').startsWith('-') || config.findTopic(id) !== undefined
  if (isTopic && !wantsJson(words)) {
    await new AuditHelp(config, { ...config.pjson.oclif.helpOptions, sendToStderr: true }).showHelp(words)
  }
  if (isTopic) throw new CommandError('usage', 'a command is missing', HELP)
  throw new CommandError('usage', unknown(config, words), suggestion(config, words) ?? HELP)
}

async function showHelp(config: Config, words: string[]): Promise<void> {
  const subject = words.filter((word) => !HELP_FLAGS.has(word))
  const [id = ''] = normalizeArgv(config, [...subject])
  const known = subject.length === 0 || config.findCommand(id) || config.findTopic(id) || id.startsWith('-')
  if (!known) throw new CommandError('usage', unknown(config, subject), suggestion(config, subject) ?? HELP)
  await new AuditHelp(config, config.pjson.oclif.helpOptions).showHelp(words)
}

const HELP = 'run: audit --help'

const HELP_FLAGS: ReadonlySet<string> = new Set(['--help', '-h'])

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end < 0 ? words : words.slice(0, end)).some((word) => HELP_FLAGS.has(word))
}

/** Returns the command that a mistyped one comes close to, as a question. */
function suggestion(config: Config, words: readonly string[]): string | undefined {
  const end = words.findIndex((word) => !/^[a-z][a-z-]{0,15}$/.test(word))
  const typed = (end < 0 ? words : words.slice(0, end)).join(' ')
  const commands = config.commands.filter(({ hidden }) => !hidden).map(({ id }) => id.replaceAll(':', ' '))
  const meant = closest(typed, commands)
  return meant === undefined ? undefined : `did you mean: audit ${meant}`
}

/** Names known commands, and repeats a stray word only if it looks like a mistyped command. */
function unknown(config: Config, words: readonly string[]): string {
  const known: string[] = []
  for (const word of words) {
    const id = [...known, word].join(':')
    if (config.findCommand(id) === undefined && config.findTopic(id) === undefined) break
    known.push(word)
  }
  const stray = words[known.length] ?? ''
  const shown = /^[a-z][a-z-]{0,15}$/.test(stray) ? ` ${safeText(stray)}` : ''
  if (config.findCommand(known.join(':')) !== undefined)
    return `audit ${known.join(' ')} takes no such argument${shown && `:${shown}`}`
  return `no such command: ${['audit', ...known].join(' ')}${shown}`
}
