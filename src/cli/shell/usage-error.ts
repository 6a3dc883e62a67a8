import { CommandError } from './command-error.js'
import { closest } from './suggestion.js'

/**
 * Converts oclif's parse errors to ours. Their messages contain values of flags and arguments, which may be a URL with its
 * password or a person's name, so only names are kept.
 */
export function usageError(error: Error, hint: string): CommandError {
  return new CommandError('usage', withoutValues(error), suggestion(error) ?? hint, error)
}

/** Returns the known flag that a mistyped one comes close to, as a question. */
function suggestion(error: Error): string | undefined {
  if (!('flags' in error && Array.isArray(error.flags)) || !('parse' in error)) return undefined
  const parse = error.parse as { readonly input?: { readonly flags?: object } }
  const known = Object.keys(parse.input?.flags ?? {}).map((name) => `--${name}`)
  const meant = error.flags
    .map((flag) => closest(namesOf([flag]), known))
    .filter((name) => name !== undefined)
  return meant.length === 0 ? undefined : `did you mean ${meant.join(' and ')}?`
}

function withoutValues(error: Error): string {
  if ('flags' in error && Array.isArray(error.flags)) return `no such flag: ${namesOf(error.flags)}`
  if ('args' in error && Array.isArray(error.args)) return aboutArguments(error, error.args)
  const text = plainMessage(error)
  const known = REWRITES.map(([pattern, words]) => rewrite(text, pattern, words)).find((t) => t !== undefined)
  return known ?? 'a flag or an argument is not valid'
}

/** The whole text of an oclif error, and the text that replaces it. */
const REWRITES: readonly (readonly [RegExp, string])[] = [
  [/^Expected --([\w-]+)=.* to be one of: ([^\n]*)$/s, '--$1: expected one of $2'],
  [/^Expected .* to be one of: ([^\n]*)$/s, 'expected an argument that is one of $1'],
  [/^(--[\w-]+): Expected an? (\w+)\b.*$/s, '$1: expected an $2'],
  [/^Flag (--[\w-]+) expects a value$/, '$1 expects a value'],
  [/^Flag (--[\w-]+) expects one of these values: (.*)$/, '$1: expected one of $2'],
  [/^Flag (--[\w-]+) can only be specified once$/, '$1 can be given only once'],
  [/^The following errors? occurred:\s*(.*)$/s, '$1'],
  [/^(--[\w-]+): (.*)$/s, '$1: not a valid value'],
]

function rewrite(text: string, pattern: RegExp, words: string): string | undefined {
  return pattern.test(text) ? tidy(text.replace(pattern, words)) : undefined
}

/** oclif quotes a value as `--name=value` when flags exclude or require each other. */
function tidy(text: string): string {
  return text
    .replace(/(--[\w-]+)=\S*/g, '$1')
    .replace(/Missing required flag ([\w-]+)/g, 'missing required flag --$1')
    .replace(/^M/, 'm')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ')
    .replace(/:; /g, ': ')
}

/** Returns whether the parser of one flag threw the error; oclif adds text of its own around such a message. */
export function isFlagError(error: Error): boolean {
  return error.message.startsWith('Parsing --')
}

/** Returns the message without oclif's text around it. */
export function plainMessage(error: Error): string {
  return error.message
    .replace(/\nSee more help with --help/g, '')
    .replace(/^Parsing (--[\w-]+) \n\t/, '$1: ')
    .trim()
}

/** oclif gives the texts of excess arguments, and the definitions of missing arguments. */
function aboutArguments(error: Error, args: readonly unknown[]): string {
  if (error.message.startsWith('Unexpected argument')) {
    return args.length === 1 ? 'unexpected argument' : `${args.length} unexpected arguments`
  }
  return `missing argument: ${args.map((arg) => Object(arg).name).join(', ')}`
}

/** Returns the names of unknown flags, without the values of `--naem=value` and `-xvalue`. */
function namesOf(flags: readonly unknown[]): string {
  return flags.map((flag) => /^(--[\w-]{1,40}|-\w)/.exec(String(flag))?.[0] ?? '-').join(', ')
}
