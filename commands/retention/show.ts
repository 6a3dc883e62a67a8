import { runRetentionShow } from '../../src/cli/erasure/retention-run.js'
import { chainsFlags, chainsOf } from '../../src/cli/flags/chain.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class RetentionShow extends AuditCommand {
  static override summary =
    'How long a chain and its personal data are kept, and what is due, with --json a line each'
  static override description = 'Rows are never deleted: what is older than the floor is told, and stays.'

  static override flags = chainsFlags

  override async run(): Promise<void> {
    const parsed = await this.parse(RetentionShow)
    const { flags } = parsed
    const options = { chain: chainsOf(parsed), json: flags.json }
    await runRetentionShow(options, await this.context(flags), this.out, this.signal)
  }
}
