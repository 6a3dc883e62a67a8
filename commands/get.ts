import * as Flags from '@oclif/core/flags'
import { chainFlags, chainOf } from '../src/cli/flags/chain.js'
import { note } from '../src/cli/output/streams.js'
import { printProof } from '../src/cli/query/text.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { entriesOf } from '../src/compose/query.js'
import { getEntry } from '../src/query/get.js'
import { parseSeq } from '../src/query/list-query.js'

export default class Get extends AuditCommand {
  static override summary = 'One row of a chain with its proof'
  static override description =
    `The proof is prev_hash, entry_hash and the canonical bytes, so that anybody can recompute
entry_hash = sha256(prev_hash, sha256(canonical_bytes)). It says nothing of the row's place among the others: audit verify does.`

  static override flags = {
    ...chainFlags,
    seq: Flags.string({ summary: 'which row; 1 is the first', helpValue: 'N', required: true }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Get)
    const { flags } = parsed
    const domainId = chainOf(parsed)
    const seq = parseSeq(flags.seq)
    const context = await this.context(flags)
    const proven = await getEntry(await entriesOf(context), domainId, seq)
    await printProof(proven, flags.json, this.out)
    if (!proven.recomputes) note(`row ${seq} does not hash to its entry_hash; run: audit verify`)
  }
}
