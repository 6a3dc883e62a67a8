import { stopOwnDatabase } from '../../src/cli/database/admin.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class DbStop extends AuditCommand {
  static override summary = 'Stop the embedded PostgreSQL'
  static override description =
    'Shuts the server down in order and keeps everything that is committed. The next command that needs it starts it again.'

  override async run(): Promise<void> {
    const { flags } = await this.parse(DbStop)
    const stopped = await stopOwnDatabase(await this.context(flags))
    if (flags.json) await this.out.json({ stopped })
    else await this.out.line(stopped ? 'stopped' : 'was not running')
  }
}
