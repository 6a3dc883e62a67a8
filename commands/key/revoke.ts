import * as Args from '@oclif/core/args'
import { parseKeyId, revokeKey } from '../../src/access/keys.js'
import { spicedbFlags, spicedbOf } from '../../src/cli/access/flags.js'
import { printKey } from '../../src/cli/access/key-text.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { managementOf } from '../../src/compose/access.js'

export default class KeyRevoke extends AuditCommand {
  static override summary = 'End an API key, at once and for good'
  static override description =
    `Appends a row about it to its chain, or to the platform chain where that one is too
damaged to take it. The relations of its subject stay: audit relation revoke ends those. A key that was revoked before
stays as it is.`

  static override args = {
    id: Args.string({ required: true, description: 'its id, ak_ and 16 digits; never the key itself' }),
  }

  static override flags = spicedbFlags

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(KeyRevoke)
    const id = parseKeyId(args.id)
    const revoked = await revokeKey(
      await managementOf(await this.context(flags), this.signal, spicedbOf(flags)),
      id,
    )
    await printKey(revoked, flags.json, this.out)
    if (revoked.auditRow === undefined) note('it was revoked before')
  }
}
