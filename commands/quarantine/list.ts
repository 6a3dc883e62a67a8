import * as Flags from '@oclif/core/flags'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { namesFlags } from '../../src/cli/flags/names.js'
import { printStream } from '../../src/cli/output/print-stream.js'
import { note } from '../../src/cli/output/streams.js'
import { quarantineList } from '../../src/cli/quarantine/text.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { openQuarantineStore } from '../../src/compose/quarantine.js'
import { openEntryReader } from '../../src/compose/query.js'
import { streamQuarantine } from '../../src/quarantine/quarantine.js'
import { assertKnown } from '../../src/query/list.js'

export default class QuarantineList extends AuditCommand {
  static override summary = 'List the findings of verifications; with --json, one per line'

  static override flags = {
    ...chainsFlags,
    ...namesFlags,
    unacknowledged: Flags.boolean({ summary: 'only findings that are not acknowledged' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(QuarantineList)
    const { flags } = parsed
    const chain = parseChains(parsed)
    const context = await this.context(flags)
    const filter = {
      domainId: chain === 'all' ? undefined : chain,
      // oclif's type says boolean, but the value of an absent flag is undefined.
      unacknowledgedOnly: flags.unacknowledged === true,
    }
    const count = await printStream(this.out, streamQuarantine(await openQuarantineStore(context), filter), {
      json: flags.json,
      ...quarantineList(await this.names.shown(chain === 'all' ? 'all' : [chain])),
    })
    if (count > 0) return
    if (chain !== 'all') await assertKnown(await openEntryReader(context), chain)
    note(filter.unacknowledgedOnly ? 'no findings match' : 'nothing in quarantine')
  }
}
