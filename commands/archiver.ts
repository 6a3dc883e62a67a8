import * as Flags from '@oclif/core/flags'
import { runArchiver } from '../src/cli/archive/archiver.js'
import { CONCURRENCY, POLL_INTERVAL, pollIntervalFlag, uploadFlags } from '../src/cli/archive/flags.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Archiver extends AuditCommand {
  static override summary = 'Upload rows to the mirror as they are appended'
  static override description =
    `Recomputes each row before it is uploaded. A row that was edited, or that differs from the object in the mirror, goes
to the quarantine and stays unarchived. Several archivers share the work. Runs until a signal; then it finishes and
stamps the uploads in flight. With --once it makes one pass over all chains, and ends with 0 when every row is archived,
with 1 when rows were held back, and with 3 when some rows could not be uploaded.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --mirror s3://bucket/prefix',
    '<%= config.bin %> <%= command.id %> --once --json',
  ]

  static override flags = {
    ...uploadFlags,
    once: Flags.boolean({ summary: 'make one pass over all chains, then end' }),
    'poll-interval': pollIntervalFlag,
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Archiver)
    const options = {
      once: flags.once === true,
      pollInterval: flags['poll-interval'] ?? POLL_INTERVAL,
      concurrency: flags.concurrency ?? CONCURRENCY,
      json: flags.json,
    }
    this.exitWith(await runArchiver(options, await this.context(flags), this.out, this.signal))
  }
}
