import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { assertOneStdin, checkedHash } from '../src/cli/proof/flags.js'
import { runVerifyProof } from '../src/cli/proof/run.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class VerifyProof extends AuditCommand {
  static override summary = 'Check that a signed tree holds one row, without any copy of the log'
  static override description =
    `The file is a tlog-proof (c2sp.org/tlog-proof): it leads from one row to a checkpoint that the log has signed. The keys
come from the policy (c2sp.org/tlog-policy), which somebody must have compared with the operator of the log.
The command opens no database and no mirror. It ends with 0 where the row is proven, and with 5 where it is not; it never ends
with 1, because it has seen no log that could contradict the file.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> row.tlog-proof --policy audit.policy',
    '<%= config.bin %> <%= command.id %> row.tlog-proof --policy audit.policy --object 00000000000000000281.json.zst',
  ]

  static override args = {
    file: Args.string({ description: 'the proof, or - for stdin', required: true }),
  }

  static override flags = {
    policy: Flags.string({
      helpValue: 'FILE',
      env: 'AUDIT_POLICY',
      required: true,
      summary: 'the keys of logs and witnesses, and how many witnesses must have signed',
    }),
    entry: Flags.string({
      helpValue: 'HASH',
      summary: 'the entry_hash that the file must prove, where it does not hold the row',
      exclusive: ['object'],
    }),
    object: Flags.string({
      helpValue: 'FILE',
      summary: 'the object of the row in a mirror, which the file must prove',
    }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(VerifyProof)
    const { policy, object, json } = flags
    assertOneStdin(args.file, policy, object)
    const options = { path: args.file, policy, entry: checkedHash(flags.entry), object, json }
    this.exitWith(await runVerifyProof(options, this.out))
  }
}
