import type { AuditError } from '../../src/base/errors.js'
import { printStream } from '../../src/cli/output/print-stream.js'
import { note } from '../../src/cli/output/streams.js'
import { DOMAIN_LIST } from '../../src/cli/query/domain-text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { reportFailure } from '../../src/cli/shell/failure.js'
import { onSameLog } from '../../src/cli/shell/given-log.js'
import { openDomainRegistry } from '../../src/compose/query.js'
import { streamDomains } from '../../src/query/domains.js'

export default class DomainList extends AuditCommand {
  static override summary = 'List the registered Domains; with --json, one per line'
  static override description =
    `Compares the registry with the rows that create and name each Domain. Where they differ, the command prints the whole
list, marks the name with "(not confirmed)" and ends with 3.`

  override async run(): Promise<void> {
    const { flags } = await this.parse(DomainList)
    const context = await this.context(flags)
    const conflicts: AuditError[] = []
    const domains = streamDomains(await openDomainRegistry(context), (found) => conflicts.push(...found))
    const count = await printStream(this.out, domains, { json: flags.json, ...DOMAIN_LIST })
    for (const conflict of conflicts) reportFailure(conflict, flags.json)
    if (count === 0) note(onSameLog('no Domains; run: audit domain create'))
  }
}
