import * as Flags from '@oclif/core/flags'
import { setPolicy, showPolicy } from '../../src/access/policy.js'
import { parseSpicedb, spicedbFlags } from '../../src/cli/access/flags.js'
import { printPolicy } from '../../src/cli/access/key-text.js'
import { chainFlags, parseChain } from '../../src/cli/flags/chain.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openManagement, openPolicyStore } from '../../src/compose/access.js'
import { openEntryReader } from '../../src/compose/query.js'
import { assertKnown } from '../../src/query/list.js'

export default class KeyPolicy extends AuditCommand {
  static override summary = 'Show or set what a chain requires of keys that erase'

  static override flags = {
    ...chainFlags,
    ...lockFlags,
    erase: Flags.string({
      options: ['owner-only', 'manage'],
      helpValue: 'WHO',
      summary:
        'owner-only: a key that an owner created with --owner-only; manage: any key of an owner or admin',
    }),
    ...spicedbFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(KeyPolicy)
    const { flags } = parsed
    const domainId = parseChain(parsed)
    const context = await this.context(flags)
    await assertKnown(await openEntryReader(context), domainId)
    const policy =
      flags.erase === undefined
        ? await showPolicy({ policy: await openPolicyStore(context), signal: this.signal }, domainId)
        : await setPolicy(
            await openManagement(context, this.signal, parseSpicedb(flags)),
            domainId,
            flags.erase === 'owner-only' ? 'owner-only' : 'manage',
          )
    await printPolicy(policy, flags.json, this.out)
  }
}
