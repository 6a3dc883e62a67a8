import * as Args from '@oclif/core/args'
import { AuditCommand } from '../../src/cli/base-command.js'
import { quarantineOf } from '../../src/cli/compose/read.js'
import { quarantineFields } from '../../src/cli/quarantine-text.js'
import { keyValues } from '../../src/cli/table.js'
import { parseQuarantineId, quarantineJson, showQuarantine } from '../../src/verify/quarantine.js'

export default class QuarantineShow extends AuditCommand {
  static override summary = 'One finding with both hashes'

  static override args = {
    id: Args.string({ required: true, description: 'its number in the quarantine' }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(QuarantineShow)
    const id = parseQuarantineId(args.id)
    const context = await this.context(flags)
    const record = quarantineJson(await showQuarantine(await quarantineOf(context), id))
    if (flags.json) await this.out.json(record)
    else await this.out.line(keyValues(quarantineFields(record)))
  }
}
