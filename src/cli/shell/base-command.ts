import * as Flags from '@oclif/core/flags'
import type { InferredFlags, Input, ParserOutput } from '@oclif/core/interfaces'
import type { Context, Settings } from '../../compose/context.js'
import { isTyped } from '../flags/chain.js'
import { type ChainNames, NAMELESS } from '../flags/chain-names.js'
import { postgresUrl } from '../flags/database-url.js'
import { isSeq, sourceOr } from '../flags/source.js'
import { note } from '../output/streams.js'
import { BareCommand, colorFlag, jsonFlag } from './bare-command.js'
import { type GivenLog, onSameLog, takeGivenLog } from './given-log.js'
import { interruption } from './interruption.js'
import { AheadWarnings } from './warn-ahead.js'

const helpGroup = 'COMMON'

/** The flags of every command that works on a log. They have no defaults here: oclif would write this machine's values into the manifest. */
const common = {
  json: jsonFlag,
  color: colorFlag,
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

export type CommonFlags = InferredFlags<typeof common>

/** Flags or arguments as the parser returns them. */
type Values = { [name: string]: unknown }

/** A command that works on a log. */
export abstract class AuditCommand extends BareCommand {
  static override baseFlags = common
  /** Whether the command warns on stderr about chains that are ahead of the clock. Set it to false where stderr is a log. */
  static warnsOfClock = true

  #context: Context | undefined
  #names: ChainNames | undefined

  /** Parses the words, and replaces the name of a Domain with its id where the command takes names. */
  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options?: Input<F, B, A>,
    argv?: string[],
  ): Promise<ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv)
    takeGivenLog(givenLog(parsed))
    // A command without flags of its own has no `flags` at all.
    if (!('names' in (this.ctor.flags ?? {}))) return parsed
    const flags: Values = parsed.flags
    const words = parsed.raw.flatMap((token) => (token.type === 'arg' ? [token.input] : []))
    const path = words.find((word) => !isSeq(word))
    const source = sourceOr(flags.source, path !== undefined)
    const file = flags.names as string | undefined
    const { DomainNames, withIds } = await import('../flags/names.js')
    const names = new DomainNames({ source, path, file }, () =>
      this.context(parsed.flags as unknown as CommonFlags),
    )
    this.#names = names
    // A bad file is refused before anything is read.
    if (file !== undefined) await names.shown([])
    // `list --all` is every row, and not every chain.
    const every = 'all-chains' in this.ctor.flags ? flags['all-chains'] : flags.all
    // A file names its chain itself: then AUDIT_DOMAIN, which a shell may have exported, says nothing.
    const isIgnored = path !== undefined && !isTyped(parsed.raw, 'domain')
    const isElsewhere = flags.platform === true || every === true || isIgnored
    if (!isElsewhere && flags.domain !== undefined)
      flags.domain = await withIds(flags.domain, names, flags.json === true)
    return parsed
  }

  /** The context of the command, opened on demand and closed when the command ends. */
  protected async context(flags: CommonFlags): Promise<Context> {
    // Imported here, so that --help does not load the database driver.
    const { Context } = await import('../../compose/context.js')
    const { mayCreateHome, warnsOfClock } = this.ctor as typeof AuditCommand
    const warnings = new AheadWarnings()
    this.#context ??= new Context(settingsFromFlags(flags), interruption, {
      mayCreateHome,
      onServerStart: noteServerStart,
      ...(warnsOfClock && { onAhead: (seconds: ReadonlyMap<string, number>) => warnings.add(seconds) }),
    })
    return this.#context
  }

  /** The names of Domains. A command without `--names` has none. */
  protected get names(): ChainNames {
    return this.#names ?? NAMELESS
  }

  protected override async close(): Promise<void> {
    await this.#context?.close()
  }
}

/** Flags that only some commands have, and that are settings of the context. */
type OtherFlags = {
  readonly mirror?: string | undefined
  readonly 'mirror-map'?: string | undefined
  readonly 'log-key'?: string | undefined
  readonly 'log-name'?: string | undefined
  readonly 'lock-timeout'?: number | undefined
  readonly policy?: string | undefined
}

function settingsFromFlags(flags: CommonFlags & OtherFlags): Settings {
  const { 'database-url': databaseUrl, home, pepper, mirror, 'mirror-map': mirrorMap, actor } = flags
  const { 'log-key': logKey, 'log-name': logName, policy, 'lock-timeout': lockTimeout } = flags
  const keys = { pepper, policy, logKey, logName }
  return { ...keys, databaseUrl, home, mirror, mirrorMap, actor, lockTimeout }
}

/** Returns the flags that name the log and were typed. */
function givenLog({ flags, raw }: Pick<ParserOutput<Values>, 'flags' | 'raw'>): GivenLog {
  const typed = (name: string) => (isTyped(raw, name) ? (flags[name] as string) : undefined)
  return { home: typed('home'), databaseUrl: typed('database-url'), names: typed('names') }
}

function noteServerStart(home: string): void {
  note(onSameLog(`starting the embedded PostgreSQL in ${home}; to stop it, run: audit db stop`))
}
