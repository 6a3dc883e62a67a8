import * as Args from '@oclif/core/args'
import { namesFlags } from '../../src/cli/flags/names.js'
import { parseRecordId } from '../../src/cli/flags/record-id.js'
import { printRecord } from '../../src/cli/quarantine/text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openQuarantineStore } from '../../src/compose/quarantine.js'
import { findQuarantineRecord } from '../../src/quarantine/quarantine.js'

export default class QuarantineShow extends AuditCommand {
  static override summary = 'Show one finding with its expected and observed hash'

  static override args = {
    id: Args.string({ required: true, description: 'id of the quarantine record' }),
  }

  static override flags = { ...namesFlags }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(QuarantineShow)
    const id = parseRecordId('quarantine record', args.id)
    const context = await this.context(flags)
    const record = await findQuarantineRecord(await openQuarantineStore(context), id)
    const names = await this.names.shown([record.domainId])
    await printRecord(record, { json: flags.json, names }, this.out)
  }
}
