import * as Flags from '@oclif/core/flags'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { safeText } from '../../src/cli/output/safe-text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { nameDomainOn } from '../../src/compose/append.js'

export default class DomainName extends AuditCommand {
  static override summary = 'Name a Domain'
  static override description =
    `Appends a row with the name to the platform chain and changes the registry, in one transaction. The newest such row
counts. The chain cannot forget a name: do not use the name of a person.`
  static override examples = ['<%= config.bin %> <%= command.id %> --domain UUID --name "ACME production"']

  static override flags = {
    ...lockFlags,
    domain: Flags.string({ required: true, helpValue: 'UUID', summary: 'the Domain to name' }),
    name: Flags.string({
      required: true,
      helpValue: 'TEXT',
      summary: 'its name, at most 507 bytes; hashed onto the platform chain, and never erased',
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(DomainName)
    const context = await this.context(flags)
    const { domainId, seq, entryHash } = await nameDomainOn(context, {
      domainId: flags.domain,
      name: flags.name,
    })
    if (flags.json) await this.out.json({ domain_id: domainId, seq, entry_hash: entryHash })
    else await this.out.line(`named Domain ${flags.domain} ${safeText(flags.name)}`.trimEnd())
  }
}
