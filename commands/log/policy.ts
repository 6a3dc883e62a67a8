import * as Flags from '@oclif/core/flags'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { parseTypedChain } from '../../src/cli/flags/chain.js'
import { logKeyFlags } from '../../src/cli/flags/log-key.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { runLogPolicy } from '../../src/cli/sign/policy.js'

export default class LogPolicy extends AuditCommand {
  static override summary = 'Print the policy by which others check what this log has signed'
  static override description =
    `The policy (c2sp.org/tlog-policy) names the key of the platform chain, which vouches for the keys of all Domains; with
--domain it names the key of that Domain, and no other. The key comes from the key file, or from log.vkey of the home. Where only
rows name it, the first line says so, and --policy refuses the file until somebody has compared the key with the operator of
the log and removed the line. Creates nothing.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> > audit.policy',
    '<%= config.bin %> <%= command.id %> --domain UUID --json',
  ]

  static override flags = {
    ...logKeyFlags,
    domain: Flags.string({ helpGroup: 'CHAIN', helpValue: 'UUID', summary: 'the chain of this Domain' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(LogPolicy)
    const { flags } = parsed
    const options = { domainId: parseTypedChain(parsed) ?? PLATFORM_ANCHOR, json: flags.json }
    await runLogPolicy(options, await this.context(flags), this.out)
  }
}
