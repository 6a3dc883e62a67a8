import * as Args from '@oclif/core/args'
import { revokeKey } from '../../src/access/keys.js'
import { parseSpicedb, spicedbFlags } from '../../src/cli/access/flags.js'
import { parseKeyId } from '../../src/cli/access/key-id.js'
import { printKey } from '../../src/cli/access/key-text.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openManagement } from '../../src/compose/access.js'

export default class KeyRevoke extends AuditCommand {
  static override summary = 'Revoke an API key, at once and permanently'
  static override description =
    `Appends a row that records the revocation to the key's chain, or to the platform chain if the key's chain is too
damaged. The relations of the key's subject stay: to end them, run audit relation revoke. A key that was revoked before
stays as it is.`

  static override args = {
    id: Args.string({
      required: true,
      description: 'the id of the key, ak_ and 16 hex digits; never the key itself',
    }),
  }

  // SpiceDB, where it decides, knows whether the actor may manage the chain.
  static override flags = { ...spicedbFlags, ...lockFlags }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(KeyRevoke)
    const id = parseKeyId(args.id)
    const revoked = await revokeKey(
      await openManagement(await this.context(flags), this.signal, parseSpicedb(flags)),
      id,
    )
    await printKey(revoked, flags.json, this.out)
    if (revoked.auditRow === undefined) note('the key was revoked before')
  }
}
