import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { chainsFlags } from '../../src/cli/flags/chain.js'
import { integerFlag } from '../../src/cli/flags/integer.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { parseChosen } from '../../src/cli/quarantine/chosen.js'
import { printAcknowledged } from '../../src/cli/quarantine/text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openAcknowledgePorts } from '../../src/compose/quarantine.js'
import { acknowledgeQuarantine } from '../../src/quarantine/acknowledge.js'

export default class QuarantineAcknowledge extends AuditCommand {
  static override summary = 'Mark findings as handled, with a reason'
  static override description =
    `Removes nothing. Takes the ids of the findings, or --up-to for the open findings up to an id: look at them first, with
audit quarantine list. A finding with a higher id, as one has that is recorded later, stays open. Appends a row about the actor for
each finding to the chain concerned, or to the platform chain if the chain concerned is too damaged for an append. All of it
is one transaction: with an id that is unknown or acknowledged before, nothing is acknowledged.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> 7 --reason "INC-1234: restored"',
    '<%= config.bin %> <%= command.id %> 7 8 12 --reason "INC-1234: restored"',
    '<%= config.bin %> <%= command.id %> --up-to 57 --domain UUID --reason "INC-1234: restored"',
  ]

  static override strict = false
  static override args = { ids: Args.string({ summary: 'ids of the quarantine records' }) }

  static override flags = {
    ...lockFlags,
    ...chainsFlags,
    'up-to': integerFlag({
      summary:
        'the open findings with this id or a lower one, of --domain, --platform or --all; the id must exist',
      min: 1,
    }),
    reason: Flags.string({
      required: true,
      summary: 'why, at most 1024 bytes; stored beside the findings, never on the chain',
      helpValue: 'TEXT',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(QuarantineAcknowledge)
    const { flags } = parsed
    const chosen = parseChosen(parsed)
    const context = await this.context(flags)
    const records = await acknowledgeQuarantine(await openAcknowledgePorts(context), chosen, flags.reason)
    await printAcknowledged(records, flags.json, this.out)
  }
}
