import * as Flags from '@oclif/core/flags'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { runProvision } from '../../src/cli/pepper/run.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class PepperProvision extends AuditCommand {
  static override summary = 'Store the pepper of a chain in OpenBao or Vault, unless it has one'
  static override description =
    `A chain without rows gets 32 new random bytes; run this before the Domain is created.
A chain with rows gets only the pepper that it was begun with, from the source that --from names.
An existing pepper is never overwritten: a changed pepper would break forensic continuity, and every append would refuse it.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --platform --pepper openbao://bao.internal/secret/audit',
    '<%= config.bin %> <%= command.id %> --all --from file:///etc/audit/pepper.key --pepper openbao://bao.internal/secret/audit',
  ]

  static override flags = {
    ...chainsFlags,
    from: Flags.string({
      helpValue: 'URL',
      summary: 'the source of the peppers that the chains were begun with, written like --pepper',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(PepperProvision)
    const { flags } = parsed
    const options = { chain: parseChains(parsed), from: flags.from, json: flags.json }
    await runProvision(options, await this.context(flags), this.out, this.signal)
  }
}
