import * as Flags from '@oclif/core/flags'
import { chainsFlags, chainsOf } from '../../src/cli/flags/chain.js'
import { runProvision } from '../../src/cli/pepper/run.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class PepperProvision extends AuditCommand {
  static override summary = 'Put the pepper of a chain into OpenBao or Vault, if it has none'
  static override description =
    `For a chain that has no rows yet, 32 fresh random bytes: before the Domain is created.
For one that has rows, only the pepper that it was begun with, from the source that --from names.
What is there is never written over: a changed pepper would break forensic continuity, and every append would refuse it.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --platform --pepper openbao://bao.internal/secret/audit',
    '<%= config.bin %> <%= command.id %> --all --from file:///etc/audit/pepper.key --pepper openbao://bao.internal/secret/audit',
  ]

  static override flags = {
    ...chainsFlags,
    from: Flags.string({
      helpValue: 'URL',
      summary: 'where the peppers are that the chains were begun with, as --pepper',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(PepperProvision)
    const { flags } = parsed
    const options = { chain: chainsOf(parsed), from: flags.from, json: flags.json }
    await runProvision(options, await this.context(flags), this.out, this.signal)
  }
}
