import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { entryFlags } from '../src/cli/append/flags.js'
import { runAppend } from '../src/cli/append/run.js'
import { chainFlags, parseOptionalChain } from '../src/cli/flags/chain.js'
import { integerFlag } from '../src/cli/flags/integer.js'
import { lockFlags } from '../src/cli/flags/lock-timeout.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Append extends AuditCommand {
  static override mayCreateHome = true
  static override summary = 'Append one row from flags, or many from a stream or files'
  static override description = `Rows are printed once they are committed, in the order of the input.
A refused line ends the run: every row printed before it is committed, and no row after it. With --rejects the refused
lines are written to a file and the run continues, also past a file that cannot be read or is of another kind; it still
exits with 2, or with 3 where a file could not be read. The rejects can be appended again once they are corrected.
recorded_at is the time of the append by the database's clock. Many entries end with a summary on stderr.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --subject alice --relation project.create --object project:apollo',
    'cat events.ndjson | <%= config.bin %> <%= command.id %> --domain UUID --stdin',
    '<%= config.bin %> <%= command.id %> --domain UUID --format cloudtrail trail/*.json.gz',
  ]

  static override strict = false
  static override args = { files: Args.string({ summary: 'files to append, in the order given' }) }
  static override flags = {
    ...chainFlags,
    ...entryFlags,
    ...lockFlags,
    stdin: Flags.boolean({ summary: 'read NDJSON from standard input' }),
    format: Flags.string({
      options: ['ndjson', 'cloudtrail'],
      summary: 'the format of the files; default: ndjson',
    }),
    idempotent: Flags.boolean({
      summary: 'append an event of CloudTrail once, however often its file is appended',
      description:
        'The key is made of the account id and the eventID. It is known for --idempotency-days after the append; after that, the same event is appended again.',
    }),
    'idempotency-days': integerFlag({
      env: 'AUDIT_IDEMPOTENCY_DAYS',
      min: 1,
      max: 365,
      summary: 'days for which an idempotency key is known; default: 7; the same for every writer',
    }),
    quiet: Flags.boolean({
      summary: 'print no line for each row and no summary; with --json the lines stay',
      default: false,
    }),
    rejects: Flags.string({ helpValue: 'FILE', summary: 'write refused lines to this file and continue' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Append)
    const context = await this.context(parsed.flags)
    // `parsed.argv` is sorted by where each text first occurs: `b a b` would be read as `b b a`.
    const files = parsed.raw.flatMap((token) => (token.type === 'arg' ? [token.input] : []))
    const code = await runAppend(
      { ...parsed.flags, files, chain: parseOptionalChain(parsed) },
      context,
      this.out,
      this.signal,
    )
    this.exitWith(code)
  }
}
