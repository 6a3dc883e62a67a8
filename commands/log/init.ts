import * as Flags from '@oclif/core/flags'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { logKeyFlags } from '../../src/cli/flags/log-key.js'
import { mirrorFlags } from '../../src/cli/flags/mirror.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { runLogInit } from '../../src/cli/sign/init.js'

export default class LogInit extends AuditCommand {
  static override summary = 'Begin to sign the heads of all chains, and print the policy'
  static override description =
    `Compares both copies of each chain row by row, however long it is, writes the keys of the chains to the platform chain,
creates log.vkey in the home, signs, and prints the policy for an auditor. A chain that has findings is named and left out, and the
command ends with 1. Run it again at any time: chains that are enrolled are skipped. With an external database it needs
--log-key and --log-name; no other command begins to sign there. Rows that are not archived yet wait for the archiver.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --log-key file:///etc/audit/log.key --log-name audit.example.com',
    '<%= config.bin %> <%= command.id %> > audit.policy',
  ]

  static override flags = {
    ...mirrorFlags,
    ...lockFlags,
    ...logKeyFlags,
    confirm: Flags.boolean({
      summary:
        'begin although a row names another platform key: the key was lost, or somebody forged the row',
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(LogInit)
    const options = { confirm: flags.confirm === true, json: flags.json }
    this.exitWith(await runLogInit(options, await this.context(flags), this.out, this.signal))
  }
}
