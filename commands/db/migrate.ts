import * as Flags from '@oclif/core/flags'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { safe } from '../../src/cli/output/safe-text.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { migrateDatabase, migrateDatabaseDown } from '../../src/compose/database.js'

export default class DbMigrate extends AuditCommand {
  static override summary = 'Bring the schema up to date'
  static override description =
    'Applies the missing migrations in order, each in its own transaction. Concurrent runs wait for each other.'
  static override flags = {
    ...lockFlags,
    down: Flags.boolean({ summary: 'always refused (SQLSTATE 0A000): the log is write-once' }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(DbMigrate)
    const context = await this.context(flags)
    if (flags.down) await migrateDatabaseDown(context)
    const { applied, version, notes } = await migrateDatabase(context)
    for (const remark of notes) note(safe`note: ${remark}`)
    if (flags.json) await this.out.json({ version, applied })
    else
      await this.out.line(
        safe`schema ${version} in place, migrations applied: ${applied.join(', ') || 'none'}`,
      )
  }
}
