import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { printHold } from '../../src/cli/erasure/hold-text.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { parseRecordId } from '../../src/cli/flags/record-id.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openHoldPorts } from '../../src/compose/erasure.js'
import { releaseHold } from '../../src/erasure/hold.js'

export default class HoldRelease extends AuditCommand {
  static override summary = 'Release a legal hold'
  static override description =
    `The hold stays on record as released; the identity that it covered is deleted from it. The same transaction appends a row
that records the release.`

  static override args = {
    id: Args.string({ required: true, description: 'the id of the hold, from: audit hold list' }),
  }

  static override flags = {
    ...lockFlags,
    reason: Flags.string({
      required: true,
      summary: 'the reason, at most 1024 bytes; stored with the hold, never on the chain',
      helpValue: 'TEXT',
    }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(HoldRelease)
    const id = parseRecordId('legal hold', args.id)
    const context = await this.context(flags)
    const request = { id, reason: flags.reason, actor: context.actor }
    const hold = await releaseHold(await openHoldPorts(context), request)
    await printHold(hold, flags.json, this.out)
  }
}
