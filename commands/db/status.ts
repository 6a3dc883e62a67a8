import { databaseStatus } from '../../src/cli/database/admin.js'
import {
  databaseStatusDocument,
  databaseStatusText,
  databaseStatusWarning,
} from '../../src/cli/database/status.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class DbStatus extends AuditCommand {
  static override summary = 'Show which database is used and which schema it has'
  static override description =
    'Starts nothing and changes nothing. Names the constraints and triggers of the migrations that are missing or disabled.'

  override async run(): Promise<void> {
    const { flags } = await this.parse(DbStatus)
    const status = await databaseStatus(await this.context(flags))
    if (flags.json) await this.out.json(databaseStatusDocument(status))
    else await this.out.line(databaseStatusText(status))
    const warning = databaseStatusWarning(status)
    if (warning !== undefined) note(warning)
  }
}
