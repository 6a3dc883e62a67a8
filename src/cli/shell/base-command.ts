import { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import { AuditError } from '../../base/errors.js'
import type { Context, Settings } from '../../compose/context.js'
import type { Output } from '../output/output.js'
import { stopAllProgress } from '../output/progress.js'
import { note, stdout } from '../output/streams.js'
import { type ExitCode, raiseExit } from './exit-codes.js'
import { reportFailure } from './failure.js'
import { interruption } from './interruption.js'

const helpGroup = 'COMMON'

/** The flags of every command. They have no defaults here: oclif would write this machine's values into the manifest. */
const common = {
  json: Flags.boolean({
    helpGroup,
    summary: 'print JSON on stdout, one item per line; errors as JSON on stderr',
  }),
  'database-url': Flags.string({
    helpGroup,
    helpValue: 'URL',
    env: 'AUDIT_DATABASE_URL',
    parse: async (url) => postgresUrl(url),
    summary: 'the PostgreSQL to use; default: an embedded PostgreSQL under --home',
  }),
  home: Flags.string({
    helpGroup,
    helpValue: 'DIR',
    env: 'AUDIT_HOME',
    summary: 'directory of the embedded PostgreSQL and its key file; default: the XDG data directory',
  }),
  pepper: Flags.string({
    helpGroup,
    helpValue: 'URL',
    env: 'AUDIT_PEPPER',
    summary: 'source of the peppers: file:///path, env:NAME or openbao://host/mount/prefix',
  }),
  actor: Flags.string({
    helpGroup,
    helpValue: 'TEXT',
    env: 'AUDIT_ACTOR',
    summary: 'the actor named in self-audit rows; default: operator:<OS user>',
  }),
}

/** pg reads text that is not a URL as the name of a local database. Errors never repeat the value: it may hold a password. */
function postgresUrl(text: string): string {
  // `URL` rejects `postgres://user@/db`, so insert a dummy host before parsing.
  const shape = text.replace('@/', '@socket/')
  const isUrl = /^postgres(ql)?:\/\//.test(text) && URL.canParse(shape)
  if (isUrl && isPort(new URL(shape).searchParams.get('port'))) return text
  throw new AuditError('usage', 'expected a URL postgresql://host:port/database')
}

/** Rejects an invalid port here, because pg would wait forever. */
function isPort(port: string | null): boolean {
  return port === null || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
}

export type CommonFlags = InferredFlags<typeof common>

/**
 * A command of `audit`: it parses, calls one use case, prints and sets the exit code. A thrown value becomes one
 * error on stderr and one exit code. Nothing here calls process.exit: stdout must drain first.
 */
export abstract class AuditCommand extends Command {
  static override baseFlags = common

  /** Aborts at the first SIGINT or SIGTERM. */
  protected readonly signal: AbortSignal = interruption
  /** The command's data, on stdout. */
  protected readonly out: Output = stdout

  #context: Context | undefined

  abstract override run(): Promise<void>

  /** The context of the command, opened on demand and closed when the command ends. */
  protected async context(flags: CommonFlags): Promise<Context> {
    // Imported here, so that --help does not load the database driver.
    const { Context } = await import('../../compose/context.js')
    this.#context ??= new Context(settingsFromFlags(flags), interruption, noteServerStart)
    return this.#context
  }

  /** Adds an outcome to the exit status; the worst outcome wins. */
  protected exitWith(code: ExitCode): void {
    raiseExit(code)
  }

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
      await this.#context?.close()
      await this.out.drained()
    } catch (error) {
      await this.catch(error)
    }
  }
}

function settingsFromFlags(flags: CommonFlags & { readonly mirror?: string | undefined }): Settings {
  const { 'database-url': databaseUrl, home, pepper, mirror, actor } = flags
  return { databaseUrl, home, pepper, mirror, actor }
}

function noteServerStart(home: string): void {
  note(`starting the embedded PostgreSQL in ${home}; to stop it, run: audit db stop`)
}

/** Returns whether errors are printed as JSON. Looks only at the words, because the flags may not parse. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}
