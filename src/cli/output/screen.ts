import type { Writable } from 'node:stream'

export const COLOR_CHOICES = ['auto', 'always', 'never'] as const
export type ColorChoice = (typeof COLOR_CHOICES)[number]

/** A stream that may be a terminal. */
export type MaybeTerminal = Writable & {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** What a stream can show. */
export interface Screen {
  readonly isTerminal: boolean
  /** The width of the terminal; undefined in a pipe, where no line is too long. */
  readonly columns?: number | undefined
  readonly color: boolean
  /** Whether marks and bars may use characters outside of ASCII. */
  readonly unicode: boolean
}

/** The width of a terminal that does not report one. */
const USUAL_COLUMNS = 80

let choice: ColorChoice = 'auto'

/** Sets what `--color` asks for, for the command that runs now. */
export function chooseColor(chosen: ColorChoice): void {
  choice = chosen
}

/**
 * Returns what a stream can show now. `--color` wins over NO_COLOR. FORCE_COLOR has no effect: build servers set it for
 * every step, also for those whose output goes to a file.
 */
export function screenOf(
  stream: MaybeTerminal,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
  color: ColorChoice = choice,
): Screen {
  const isTerminal = stream.isTTY === true
  const wanted = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
  return {
    isTerminal,
    columns: isTerminal ? stream.columns || USUAL_COLUMNS : undefined,
    color: color === 'auto' ? wanted : color === 'always',
    unicode: isTerminal && isUtf8(env),
  }
}

/** Returns whether lines can be drawn again in place. A dumb terminal cannot, nor one that reports no rows. */
export function canRedraw(
  stream: MaybeTerminal & { readonly rows?: number },
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb' && (stream.rows ?? 0) > 1
}

/** POSIX: the first of these variables that is not empty names the character set. */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Readonly<NodeJS.ProcessEnv>): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '')
}
