import { databaseStatus } from '../../src/cli/database/admin.js'
import {
  assertGuards,
  databaseStatusDocument,
  databaseStatusText,
  databaseStatusWarning,
} from '../../src/cli/database/status.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { assertHasDatabase } from '../../src/compose/database.js'

export default class DbStatus extends AuditCommand {
  static override summary = 'Show which database is used and which schema it has'
  static override description =
    `Starts nothing and changes nothing. Names what the migrations made and what no longer holds: constraints,
triggers, indexes, columns and functions that are missing, disabled or altered, UNLOGGED tables, privileges of PUBLIC, and
settings of the database and of roles that switch triggers off. The exit code is then 3. It is 3 too for a home without a
database, and 0 for one whose server is stopped.`

  override async run(): Promise<void> {
    const { flags } = await this.parse(DbStatus)
    const context = await this.context(flags)
    const status = await databaseStatus(context)
    if (flags.json) await this.out.json(databaseStatusDocument(status))
    else await this.out.line(databaseStatusText(status))
    const warning = databaseStatusWarning(status)
    if (warning !== undefined) note(warning)
    assertGuards(status)
    await assertHasDatabase(context)
  }
}
