import { revokeRelation } from '../../src/access/relations.js'
import { parseSpicedb, spicedbFlags } from '../../src/cli/access/flags.js'
import { parseTuple, tupleFlags } from '../../src/cli/access/relation-flags.js'
import { printTuple } from '../../src/cli/access/relation-text.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openManagement } from '../../src/compose/access.js'

export default class RelationRevoke extends AuditCommand {
  static override summary = 'Revoke a relation, with immediate effect'
  static override description =
    `Name the tuple as audit relation list prints it: a relation that was granted to a group cannot be revoked from one of its
members. Rows and actors are as for audit relation grant.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --relation auditor --subject user:alice',
    '<%= config.bin %> <%= command.id %> --domain UUID --relation auditor --subject group:audit-team#member',
    '<%= config.bin %> <%= command.id %> --group audit-team --relation member --subject user:alice',
  ]

  static override flags = { ...tupleFlags, ...spicedbFlags, ...lockFlags }

  override async run(): Promise<void> {
    const parsed = await this.parse(RelationRevoke)
    const { flags } = parsed
    const tuple = parseTuple(parsed)
    const changed = await revokeRelation(
      await openManagement(await this.context(flags), this.signal, parseSpicedb(flags)),
      tuple,
    )
    await printTuple(changed, flags.json, this.out)
  }
}
