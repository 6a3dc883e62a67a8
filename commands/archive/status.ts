import { runArchiveStatus } from '../../src/cli/archive/run.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { mirrorFlags } from '../../src/cli/flags/mirror.js'
import { namesFlags } from '../../src/cli/flags/names.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class ArchiveStatus extends AuditCommand {
  static override summary = 'Show how far the archive of each chain has come; with --json, one per line'
  static override description =
    `Compares keys with rows and opens no object. A gap is an archived row whose object is gone. An orphan is an object
without a row. If there are gaps or orphans, the command ends with 1.`
  static override examples = ['<%= config.bin %> <%= command.id %> --all']

  static override flags = { ...chainsFlags, ...namesFlags, ...mirrorFlags }

  override async run(): Promise<void> {
    const parsed = await this.parse(ArchiveStatus)
    const { flags } = parsed
    const options = { chain: parseChains(parsed), json: flags.json, names: this.names }
    this.exitWith(await runArchiveStatus(options, await this.context(flags), this.out, this.signal))
  }
}
