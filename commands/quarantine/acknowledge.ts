import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { selfAuditEntry } from '../../src/append/self-audit.js'
import { parseRecordId } from '../../src/cli/flags/record-id.js'
import { printRecord } from '../../src/cli/quarantine/text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openSink } from '../../src/compose/append.js'
import { openQuarantineStore } from '../../src/compose/quarantine.js'
import { acknowledgeQuarantine } from '../../src/quarantine/acknowledge.js'

export default class QuarantineAcknowledge extends AuditCommand {
  static override summary = 'Mark a finding as handled, with a reason'
  static override description =
    `Removes nothing. Appends a row about the actor to the chain concerned, or to the platform chain if the
chain concerned is too damaged for an append.`

  static override args = {
    id: Args.string({ required: true, description: 'id of the quarantine record' }),
  }

  static override flags = {
    reason: Flags.string({
      required: true,
      summary: 'why, at most 1024 bytes; stored beside the finding, never on the chain',
      helpValue: 'TEXT',
    }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(QuarantineAcknowledge)
    const id = parseRecordId('quarantine record', args.id)
    const context = await this.context(flags)
    const [store, sink] = [await openQuarantineStore(context), await openSink(context)]
    const append = (row: Parameters<typeof selfAuditEntry>[1]) =>
      sink.record(selfAuditEntry(context.actor, row))
    const record = await acknowledgeQuarantine(store, append, id, flags.reason)
    await printRecord(record, flags.json, this.out)
  }
}
