import * as Flags from '@oclif/core/flags'
import { runArchiver } from '../src/cli/archive/archiver.js'
import { CONCURRENCY, POLL_INTERVAL, pollIntervalFlag, uploadFlags } from '../src/cli/archive/flags.js'
import { lockFlags } from '../src/cli/flags/lock-timeout.js'
import { logKeyFlags } from '../src/cli/flags/log-key.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { checkpointIntervalFlag } from '../src/cli/sign/interval.js'

export default class Archiver extends AuditCommand {
  static override mayCreateHome = true
  static override summary = 'Upload rows to the mirror as they are appended'
  static override description =
    `Recomputes each row before it is uploaded. A row that was edited, or that differs from the object in the mirror, goes
to the quarantine and stays unarchived. Several archivers share the work. Runs until a signal; then it finishes and
stamps the uploads in flight. With --once it makes one pass over all chains, and ends with 0 when every row is archived,
with 1 when rows were held back, and with 3 when a row still waits or a place is not the mirror.

It uploads only to a mirror that has the marker audit/mirror.json with the id that the database recorded, so that an empty
mount point or a mistyped bucket is never taken for the mirror. Give --init-mirror once, to begin a mirror for chains without
archived rows; the first run of a home does so by itself. To replace a lost mirror, use: audit archive backfill --init-mirror

With a key it also signs the heads of the chains, so that a rewritten or cut end shows: with --once every chain that grew, and
otherwise each --checkpoint-interval. A home creates its key by itself; an external database needs --log-key, --log-name
and, once, audit log init. A chain that cannot be signed is named with the reason (docs/signing.md); its rows are archived all the same.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --mirror s3://bucket/prefix',
    '<%= config.bin %> <%= command.id %> --once --json',
  ]

  static override flags = {
    ...uploadFlags,
    ...lockFlags,
    ...logKeyFlags,
    once: Flags.boolean({ summary: 'make one pass over all chains, then end' }),
    'poll-interval': pollIntervalFlag,
    'checkpoint-interval': checkpointIntervalFlag,
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Archiver)
    const options = {
      once: flags.once === true,
      pollInterval: flags['poll-interval'] ?? POLL_INTERVAL,
      checkpointInterval: flags['checkpoint-interval'],
      initMirror: flags['init-mirror'] === true,
      concurrency: flags.concurrency ?? CONCURRENCY,
      json: flags.json,
    }
    this.exitWith(await runArchiver(options, await this.context(flags), this.out, this.signal))
  }
}
