import { grantRelation } from '../../src/access/relations.js'
import { parseSpicedb, spicedbFlags } from '../../src/cli/access/flags.js'
import { parseTuple, tupleFlags } from '../../src/cli/access/relation-flags.js'
import { printTuple } from '../../src/cli/access/relation-text.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openManagement } from '../../src/compose/access.js'

export default class RelationGrant extends AuditCommand {
  static override summary = 'Give a subject a relation on a chain, or make it a member of a group'
  static override description =
    `Appends a row that records the grant to the chain; for a group, to the platform chain and to each chain on which the
group has a relation. An actor that is a user: or service: must be owner or admin of the chain, owner to grant owner, and
for a group owner of the platform; any other actor is the operator (docs/access.md).`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --relation auditor --subject user:alice',
    '<%= config.bin %> <%= command.id %> --domain UUID --relation auditor --subject group:audit-team#member',
    '<%= config.bin %> <%= command.id %> --group audit-team --relation member --subject user:alice',
  ]

  static override flags = { ...tupleFlags, ...spicedbFlags, ...lockFlags }

  override async run(): Promise<void> {
    const parsed = await this.parse(RelationGrant)
    const { flags } = parsed
    const tuple = parseTuple(parsed)
    const changed = await grantRelation(
      await openManagement(await this.context(flags), this.signal, parseSpicedb(flags)),
      tuple,
    )
    await printTuple(changed, flags.json, this.out)
    if (changed.auditRows.length === 0) note('the relation was granted before')
  }
}
