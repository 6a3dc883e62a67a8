import { runRetentionShow } from '../../src/cli/erasure/retention-run.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { namesFlags } from '../../src/cli/flags/names.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class RetentionShow extends AuditCommand {
  static override summary =
    'Show how long a chain and its personal data are kept, and what is due; with --json, one per line'
  static override description =
    'Rows are never deleted: rows that are older than the policy are counted, and stay.'

  static override flags = { ...chainsFlags, ...namesFlags }

  override async run(): Promise<void> {
    const parsed = await this.parse(RetentionShow)
    const { flags } = parsed
    const options = { chain: parseChains(parsed), json: flags.json }
    await runRetentionShow(options, await this.context(flags), this.out, this.signal)
  }
}
