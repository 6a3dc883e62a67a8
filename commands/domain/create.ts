import * as Flags from '@oclif/core/flags'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { parseNewDomain } from '../../src/cli/flags/new-domain.js'
import { safeText } from '../../src/cli/output/safe-text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { createDomainOn } from '../../src/compose/append.js'

export default class DomainCreate extends AuditCommand {
  static override mayCreateHome = true
  static override summary = 'Register a Domain and begin its chain'
  static override description =
    'Writes audit.chain-create on the new chain and on the platform chain, in one transaction.'
  static override examples = ['<%= config.bin %> <%= command.id %> --name "ACME production"']

  static override flags = {
    ...lockFlags,
    domain: Flags.string({ helpValue: 'UUID', summary: 'the id; default: a new UUIDv7' }),
    name: Flags.string({
      default: '',
      helpValue: 'TEXT',
      summary: 'a name for people, at most 507 bytes; hashed onto both chains, and never erased',
    }),
    mirror: Flags.string({
      helpValue: 'URL',
      summary: 'a mirror of its own: s3://bucket[/prefix] or file:///dir',
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(DomainCreate)
    const context = await this.context(flags)
    const { domainId, seq, entryHash } = await createDomainOn(context, parseNewDomain(flags, context.actor))
    if (flags.json) await this.out.json({ domain_id: domainId, seq, entry_hash: entryHash })
    else await this.out.line(`created Domain ${domainId} ${safeText(flags.name)}`.trimEnd())
  }
}
