import * as Flags from '@oclif/core/flags'
import { v7 as uuidv7 } from 'uuid'
import { parseExpiry } from '../../src/access/expiry.js'
import { createKey } from '../../src/access/keys.js'
import { parseHolder } from '../../src/access/subject.js'
import { spicedbFlags, spicedbOf } from '../../src/cli/access/flags.js'
import { printCreatedKey } from '../../src/cli/access/key-text.js'
import { relationFlag, relationOf } from '../../src/cli/access/relation-flags.js'
import { chainFlags, chainOf } from '../../src/cli/flags/chain.js'
import { flagValue } from '../../src/cli/flags/flag-value.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { managementOf, zedCommandFor } from '../../src/compose/access.js'

export default class KeyCreate extends AuditCommand {
  static override summary = 'Make an API key for one chain; its text is shown once'
  static override description =
    `Gives the key's subject the relation, and appends rows about both. An actor that is a user: or service: must be owner or
admin of the chain, and owner to make keys with --owner-only; any other actor is the operator (docs/access.md).`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --relation auditor --read-only --expires 30d',
    '<%= config.bin %> <%= command.id %> --domain UUID --relation owner --subject user:olga --owner-only --actor user:olga',
  ]

  static override flags = {
    ...chainFlags,
    relation: relationFlag,
    subject: Flags.string({
      helpValue: 'SUBJECT',
      summary: 'whose it is, user:ID or service:ID; default: a service of its own',
    }),
    'read-only': Flags.boolean({ summary: 'good for GET alone' }),
    'owner-only': Flags.boolean({
      summary: 'good for what the chain leaves to owners; only an owner makes it',
    }),
    expires: Flags.string({ helpValue: 'WHEN', summary: 'a time (RFC 3339), or how long: 90m, 12h, 30d' }),
    ...spicedbFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(KeyCreate)
    const { flags } = parsed
    const { expires } = flags
    const now = BigInt(Date.now()) * 1000n
    const request = {
      domainId: chainOf(parsed),
      relation: relationOf(flags.relation),
      subject: flagValue('--subject', () => parseHolder(flags.subject ?? `service:${uuidv7()}`)),
      // oclif's type says boolean; a flag that is not given is undefined.
      readOnly: flags['read-only'] === true,
      ownerOnly: flags['owner-only'] === true,
      expiresAt: expires === undefined ? undefined : flagValue('--expires', () => parseExpiry(expires, now)),
    }
    const spicedb = spicedbOf(flags)
    const management = await managementOf(await this.context(flags), this.signal, spicedb)
    const created = await createKey(management, request)
    await printCreatedKey(created, flags.json, this.out)
    note('the key is shown this once: what is kept of it is a hash')
    if (spicedb !== undefined) note(`SpiceDB decides what it may: ${await zedCommandFor(request)}`)
  }
}
