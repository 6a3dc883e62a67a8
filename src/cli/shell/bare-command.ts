import { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import type { Output } from '../output/output.js'
import { stopAllProgress } from '../output/progress.js'
import { COLOR_CHOICES, type ColorChoice } from '../output/screen.js'
import { stdout } from '../output/streams.js'
import { type ExitCode, raiseExit } from './exit-codes.js'
import { reportFailure } from './failure.js'
import { interruption } from './interruption.js'

export const jsonFlag = Flags.boolean({
  helpGroup: 'COMMON',
  summary: 'print JSON on stdout, one item per line; errors as JSON on stderr',
})

/** Read from the words before a command is parsed, so that errors of the parser follow it too. */
export const colorFlag = Flags.string({
  helpGroup: 'COMMON',
  options: [...COLOR_CHOICES],
  summary: 'colour of text: auto (on a terminal, unless NO_COLOR is set), always or never',
})

/**
 * A command that works without a log: it parses, calls one use case, prints and sets the exit code. A thrown value
 * becomes one error on stderr and one exit code. Nothing here calls process.exit: stdout must drain first.
 */
export abstract class BareCommand extends Command {
  static override baseFlags = { json: jsonFlag, color: colorFlag }
  /** Whether the command may create a home. All others create nothing, and end with `database_not_configured`. */
  static mayCreateHome = false

  /** Aborts at the first SIGINT or SIGTERM. */
  protected readonly signal: AbortSignal = interruption
  /** The command's data, on stdout. */
  protected readonly out: Output = stdout

  abstract override run(): Promise<void>

  /** Adds an outcome to the exit status; the worst outcome wins. */
  protected exitWith(code: ExitCode): void {
    raiseExit(code)
  }

  /** Closes what the command has opened. */
  protected async close(): Promise<void> {}

  protected override async init(): Promise<void> {
    await super.init()
    // oclif reads a missing argument from stdin, which would consume the first lines of `append --stdin`.
    for (const arg of Object.values(this.ctor.args)) arg.ignoreStdin = true
  }

  protected override async catch(error: unknown): Promise<void> {
    await stopAllProgress()
    reportFailure(error, wantsJson(this.argv), `run: audit ${(this.id ?? '').replaceAll(':', ' ')} --help`)
  }

  protected override async finally(): Promise<void> {
    try {
      await stopAllProgress()
      await this.close()
      await this.out.drained()
    } catch (error) {
      await this.catch(error)
    }
  }
}

/** Returns whether errors are printed as JSON. Looks only at the words, because the flags may not parse. */
export function wantsJson(argv: readonly string[]): boolean {
  const words = beforeDashes(argv)
  const isFormat = (word: string, index: number) => word === 'json' && words[index - 1] === '--format'
  return words.some((word, index) => word === '--json' || word === '--format=json' || isFormat(word, index))
}

/** Returns what `--color` asks for; `auto` for a value that the parser will refuse. Looks only at the words. */
export function wantedColor(argv: readonly string[]): ColorChoice {
  const words = beforeDashes(argv)
  const given = words.flatMap((word, index) => {
    if (word === '--color') return [words[index + 1]]
    return word.startsWith('--color=') ? [word.slice('--color='.length)] : []
  })
  return COLOR_CHOICES.find((choice) => choice === given.at(-1)) ?? 'auto'
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}
