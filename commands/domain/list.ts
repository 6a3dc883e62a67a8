import { printStream } from '../../src/cli/output/print-stream.js'
import { note } from '../../src/cli/output/streams.js'
import { DOMAIN_LIST } from '../../src/cli/query/domain-text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openDomainRegistry } from '../../src/compose/query.js'
import { streamDomains } from '../../src/query/domains.js'

export default class DomainList extends AuditCommand {
  static override summary = 'List the registered Domains; with --json, one per line'

  override async run(): Promise<void> {
    const { flags } = await this.parse(DomainList)
    const context = await this.context(flags)
    const count = await printStream(this.out, streamDomains(await openDomainRegistry(context)), {
      json: flags.json,
      ...DOMAIN_LIST,
    })
    if (count === 0) note('no Domains; run: audit domain create')
  }
}
