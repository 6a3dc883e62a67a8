import * as Flags from '@oclif/core/flags'
import { printHold } from '../../src/cli/erasure/hold-text.js'
import { chainFlags, parseChain } from '../../src/cli/flags/chain.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { optionalPerson, personFlags } from '../../src/cli/flags/person.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openHoldPorts } from '../../src/compose/erasure.js'
import { placeHold } from '../../src/erasure/hold.js'

export default class HoldPlace extends AuditCommand {
  static override summary = 'Place a legal hold: forbid erasing and purging a chain, or one person on it'
  static override description =
    'Without a person, the hold covers the whole chain. Appends a row that records the hold, in one transaction.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --reason "case 4711"',
    '<%= config.bin %> <%= command.id %> --domain UUID --identity UUID --reason "case 4711"',
  ]

  static override flags = {
    ...chainFlags,
    ...personFlags,
    ...lockFlags,
    reason: Flags.string({
      required: true,
      summary:
        'the reason, at most 1024 bytes; stored with the hold, never on the chain; name the case, not the person',
      helpValue: 'TEXT',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(HoldPlace)
    const { flags } = parsed
    const request = { domainId: parseChain(parsed), person: optionalPerson(flags), reason: flags.reason }
    const context = await this.context(flags)
    const hold = await placeHold(await openHoldPorts(context), { ...request, actor: context.actor })
    await printHold(hold, flags.json, this.out)
  }
}
