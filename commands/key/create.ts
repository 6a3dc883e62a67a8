import * as Flags from '@oclif/core/flags'
import { v7 as uuidv7 } from 'uuid'
import { createKey } from '../../src/access/keys.js'
import { parseExpiry } from '../../src/cli/access/expiry.js'
import { parseSpicedb, spicedbFlags } from '../../src/cli/access/flags.js'
import { printCreatedKey } from '../../src/cli/access/key-text.js'
import { parseRelation, relationFlag } from '../../src/cli/access/relation-flags.js'
import { parseHolder } from '../../src/cli/access/subject.js'
import { chainFlags, parseChain } from '../../src/cli/flags/chain.js'
import { flagValue } from '../../src/cli/flags/flag-value.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openManagement, zedCommandFor } from '../../src/compose/access.js'

export default class KeyCreate extends AuditCommand {
  static override summary = 'Create an API key for one chain; its text is shown once'
  static override description =
    `Gives the key's subject the relation, and appends rows that record both. An actor that is a user: or service: must be owner
or admin of the chain, and owner to create keys with --owner-only; any other actor is the operator (docs/access.md).`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --relation auditor --read-only --expires 30d',
    '<%= config.bin %> <%= command.id %> --domain UUID --relation owner --subject user:olga --owner-only --actor user:olga',
  ]

  static override flags = {
    ...chainFlags,
    ...lockFlags,
    relation: relationFlag,
    subject: Flags.string({
      helpValue: 'SUBJECT',
      summary: 'the subject of the key, user:ID or service:ID; default: a new service',
    }),
    'read-only': Flags.boolean({ summary: 'the key is valid for GET only' }),
    'owner-only': Flags.boolean({
      summary:
        'the key is valid for operations that the chain reserves for owners; only an owner may create it',
    }),
    expires: Flags.string({
      helpValue: 'WHEN',
      summary: 'when the key expires: a time (RFC 3339) or a duration (90m, 12h, 30d); default: never',
    }),
    ...spicedbFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(KeyCreate)
    const { flags } = parsed
    const { expires } = flags
    const now = BigInt(Date.now()) * 1000n
    const request = {
      domainId: parseChain(parsed),
      relation: parseRelation(flags.relation),
      subject: flagValue('--subject', () => parseHolder(flags.subject ?? `service:${uuidv7()}`)),
      // oclif's type says boolean; a flag that is not given is undefined.
      readOnly: flags['read-only'] === true,
      ownerOnly: flags['owner-only'] === true,
      expiresAt: expires === undefined ? undefined : flagValue('--expires', () => parseExpiry(expires, now)),
    }
    const spicedb = parseSpicedb(flags)
    const management = await openManagement(await this.context(flags), this.signal, spicedb)
    const created = await createKey(management, request)
    await printCreatedKey(created, flags.json, this.out)
    note('the key is shown only this once: only a hash of it is stored')
    if (spicedb !== undefined)
      note(`SpiceDB decides what the key may do; run: ${await zedCommandFor(request)}`)
  }
}
