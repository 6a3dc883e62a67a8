import * as Flags from '@oclif/core/flags'
import { runRetentionApply } from '../../src/cli/erasure/retention-run.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { integerFlag } from '../../src/cli/flags/integer.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class RetentionApply extends AuditCommand {
  static override summary = 'Delete personal data and contexts that are past their retention'
  static override description =
    `Each transaction appends a row that records what it deleted. Data under a legal hold on a person is skipped and counted. A
hold on the whole chain is an error; with --all, such a chain is skipped. Try --dry-run first.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --dry-run',
    '<%= config.bin %> <%= command.id %> --domain UUID',
  ]

  static override flags = {
    ...chainsFlags,
    ...lockFlags,
    'dry-run': Flags.boolean({ summary: 'print what would be deleted, and change nothing' }),
    batch: integerFlag({
      min: 1,
      max: 100_000,
      summary: 'contexts and mappings in a transaction, 1 to 100000; appends wait for each; default: 5000',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(RetentionApply)
    const { flags } = parsed
    // oclif's type says boolean; a flag that is not given is undefined.
    const dryRun = flags['dry-run'] === true
    const options = { chain: parseChains(parsed), json: flags.json, dryRun, batch: flags.batch }
    await runRetentionApply(options, await this.context(flags), this.out, this.signal)
  }
}
