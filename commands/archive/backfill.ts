import * as Flags from '@oclif/core/flags'
import { CONCURRENCY, parseInit, uploadFlags } from '../../src/cli/archive/flags.js'
import { runBackfill } from '../../src/cli/archive/run.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { isMirrorTyped } from '../../src/cli/flags/mirror.js'
import { parseSegment, segmentFlags } from '../../src/cli/flags/segment.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class ArchiveBackfill extends AuditCommand {
  static override summary = 'Upload the rows that the mirror lacks, archived or not'
  static override description =
    `Compares the keys in the mirror with the rows. If the object of an archived row is gone, the row is uploaded again and
is a finding: the finding goes to the quarantine, and the command ends with 1. No archive stamp is ever changed. With
--init-mirror it begins a new mirror where there is no marker, and the rows that it uploads there are no findings.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --dry-run',
    '<%= config.bin %> <%= command.id %> --domain UUID --from-seq 1000 --to-seq 1999',
  ]

  static override flags = {
    ...chainsFlags,
    ...uploadFlags,
    ...lockFlags,
    ...segmentFlags,
    'dry-run': Flags.boolean({ summary: 'compare only: upload nothing and record nothing' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(ArchiveBackfill)
    const { flags } = parsed
    const chain = parseChains(parsed)
    const options = {
      chain,
      ...parseSegment(chain, flags),
      dryRun: flags['dry-run'] === true,
      isChosen: chain !== 'all' && isMirrorTyped(parsed.raw),
      initMirror: parseInit(flags),
      concurrency: flags.concurrency ?? CONCURRENCY,
      json: flags.json,
    }
    this.exitWith(await runBackfill(options, await this.context(flags), this.out, this.signal))
  }
}
