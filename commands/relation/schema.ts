import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { spicedbSchema } from '../../src/compose/access.js'

export default class RelationSchema extends AuditCommand {
  static override summary = 'Print the schema that SpiceDB needs to decide who may do what'
  static override description =
    'Load it with: zed schema write (docs/access.md). With --json, prints {"schema"}.'
  static override examples = ['<%= config.bin %> <%= command.id %> > audit.zed']

  override async run(): Promise<void> {
    const { flags } = await this.parse(RelationSchema)
    const schema = await spicedbSchema()
    if (flags.json) await this.out.json({ schema })
    else await this.out.line(schema.trimEnd())
  }
}
