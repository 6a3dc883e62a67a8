import { ownDatabaseUrl } from '../../src/cli/database/admin.js'
import { safeText } from '../../src/cli/output/safe-text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class DbUrl extends AuditCommand {
  static override mayCreateHome = true
  static override summary = 'Print the URL of the embedded PostgreSQL, for psql'
  static override description =
    'Starts the server if it is stopped. The URL is that of the superuser, on a Unix socket.'
  static override examples = ['psql "$(<%= config.bin %> <%= command.id %>)"']

  override async run(): Promise<void> {
    const { flags } = await this.parse(DbUrl)
    const url = await ownDatabaseUrl(await this.context(flags))
    if (flags.json) await this.out.json({ url })
    else await this.out.line(safeText(url))
  }
}
