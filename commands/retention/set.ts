import { AuditError } from '../../src/base/errors.js'
import { printRetention } from '../../src/cli/erasure/retention-text.js'
import { chainFlags, parseChain } from '../../src/cli/flags/chain.js'
import { integerFlag } from '../../src/cli/flags/integer.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openRetentionPorts } from '../../src/compose/erasure.js'
import { setRetention } from '../../src/erasure/retention.js'

export default class RetentionSet extends AuditCommand {
  static override summary = 'Set how long a chain and its personal data are kept'
  static override description =
    'A value that is not given stays as it is. Appends a row that records the new policy.'
  static override examples = ['<%= config.bin %> <%= command.id %> --domain UUID --personal-days 90']

  static override flags = {
    ...chainFlags,
    ...lockFlags,
    'chain-years': integerFlag({
      summary: 'minimum years that a mirror keeps rows, 7 to 100; no row is ever deleted here',
    }),
    'personal-days': integerFlag({
      summary: 'days that personal data and contexts are kept, 1 to 36500',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(RetentionSet)
    const { flags } = parsed
    const domainId = parseChain(parsed)
    const { 'chain-years': chainYears, 'personal-days': personalDays } = flags
    if (chainYears === undefined && personalDays === undefined) {
      throw new AuditError('usage', 'expected --chain-years N or --personal-days N')
    }
    const change = {
      ...(chainYears !== undefined && { chainYears }),
      ...(personalDays !== undefined && { personalDays }),
    }
    const context = await this.context(flags)
    const retention = await setRetention(
      await openRetentionPorts(context),
      { domainId, actor: context.actor },
      change,
    )
    await printRetention(retention, flags.json, this.out)
  }
}
