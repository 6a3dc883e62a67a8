import * as Flags from '@oclif/core/flags'
import { chainFlags, parseChain } from '../src/cli/flags/chain.js'
import { note } from '../src/cli/output/streams.js'
import { printProof } from '../src/cli/query/text.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { openEntryReader } from '../src/compose/query.js'
import { getEntry } from '../src/query/get.js'
import { parseSeq } from '../src/query/list-query.js'

export default class Get extends AuditCommand {
  static override summary = 'Print one row of a chain with its proof'
  static override description =
    `The proof consists of prev_hash, entry_hash and the canonical bytes, so that anyone can recompute
entry_hash = sha256(prev_hash, sha256(canonical_bytes)). It does not prove the row's link to other rows: run audit verify.`

  static override flags = {
    ...chainFlags,
    seq: Flags.string({ summary: 'the seq of the row; 1 is the first row', helpValue: 'N', required: true }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Get)
    const { flags } = parsed
    const domainId = parseChain(parsed)
    const seq = parseSeq(flags.seq)
    const context = await this.context(flags)
    const proven = await getEntry(await openEntryReader(context), domainId, seq)
    await printProof(proven, flags.json, this.out)
    if (!proven.recomputes) note(`row ${seq} does not hash to its entry_hash; run: audit verify`)
  }
}
