import * as Flags from '@oclif/core/flags'
import { runArchiver } from '../src/cli/archive/archiver.js'
import { concurrencyOf, pollIntervalOf, uploadFlags } from '../src/cli/archive/flags.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Archiver extends AuditCommand {
  static override summary = 'Upload rows to the mirror as they are appended'
  static override description =
    `Recomputes each row before it is uploaded: one that was edited, or that the mirror has otherwise, goes to the
quarantine and stays unarchived. Several archivers share the work. Runs until a signal, and then ends orderly: what is
under way is uploaded and stamped. With --once it makes one pass over everything, and ends with 0 when nothing is left
unarchived, with 1 when rows were held back, with 3 when some could not be uploaded.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --mirror s3://bucket/prefix',
    '<%= config.bin %> <%= command.id %> --once --json',
  ]

  static override flags = {
    ...uploadFlags,
    once: Flags.boolean({ summary: 'one pass over everything, then end' }),
    'poll-interval': Flags.string({
      helpValue: 'SECONDS',
      summary: 'between two looks for rows to archive; default: 1',
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Archiver)
    const options = {
      once: flags.once === true,
      pollInterval: pollIntervalOf(flags['poll-interval']),
      concurrency: concurrencyOf(flags.concurrency),
      json: flags.json,
    }
    this.exitWith(await runArchiver(options, await this.context(flags), this.out, this.signal))
  }
}
