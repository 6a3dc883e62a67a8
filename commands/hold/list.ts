import * as Flags from '@oclif/core/flags'
import { HOLD_LIST } from '../../src/cli/erasure/hold-text.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { namesFlags } from '../../src/cli/flags/names.js'
import { printStream } from '../../src/cli/output/print-stream.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openHoldStore } from '../../src/compose/erasure.js'
import { openEntryReader } from '../../src/compose/query.js'
import { streamHolds } from '../../src/erasure/hold.js'
import { assertKnown } from '../../src/query/list.js'

export default class HoldList extends AuditCommand {
  static override summary = 'List the legal holds in force; with --json, one per line'

  static override flags = {
    ...chainsFlags,
    ...namesFlags,
    released: Flags.boolean({ summary: 'also list released holds' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(HoldList)
    const { flags } = parsed
    const chosen = parseChains(parsed)
    const context = await this.context(flags)
    const filter = {
      domainId: chosen === 'all' ? undefined : chosen,
      // oclif's type says boolean; a flag that is not given is undefined.
      inForceOnly: flags.released !== true,
    }
    const count = await printStream(this.out, streamHolds(await openHoldStore(context), filter), {
      json: flags.json,
      ...HOLD_LIST,
    })
    if (count > 0) return
    if (chosen !== 'all') await assertKnown(await openEntryReader(context), chosen)
    note('no legal holds')
  }
}
