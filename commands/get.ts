import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { chainFlags } from '../src/cli/flags/chain.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { proofFlags } from '../src/cli/proof/get-flags.js'
import { runGetProof } from '../src/cli/proof/get-run.js'
import { parseGet } from '../src/cli/query/get-flags.js'
import { runGet } from '../src/cli/query/get-run.js'
import { sourceFlags } from '../src/cli/query/source.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Get extends AuditCommand {
  static override summary = 'Print one row of a chain with its proof'
  static override description =
    `The proof consists of prev_hash, entry_hash and the canonical bytes, so that anyone can recompute
entry_hash = sha256(prev_hash, sha256(canonical_bytes)). A row that does not recompute is printed too, and the exit code
is 1. The check also says whether the row is linked to the stored row before it. For the other rows, run audit verify.
Address, user agent, metadata and event time are kept beside the row: no hash covers them.

With --proof FILE the command writes a tlog-proof (c2sp.org/tlog-proof) in place of printing the row: it leads from the row to a
root that the log has signed, and audit verify-proof and foreign tools check it without any copy of the log. FILE must not
exist. The exit code is 4 for a row that no signed head covers.

An argument of digits alone is a seq; a file with such a name is ./NAME.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> 281 --domain UUID',
    '<%= config.bin %> <%= command.id %> 281 --domain UUID --source mirror --mirror file:///copy/of/the/bucket',
    '<%= config.bin %> <%= command.id %> 281 evidence.tar',
    '<%= config.bin %> <%= command.id %> 281 --domain UUID --proof row.tlog-proof',
  ]

  static override args = {
    seq: Args.string({ description: 'the seq of the row; 1 is the first row' }),
    file: Args.string({ description: 'an evidence file that `export` wrote; it needs no --domain' }),
  }

  static override flags = {
    ...chainFlags,
    ...namesFlags,
    seq: Flags.string({ summary: 'the seq of the row, in place of the argument', helpValue: 'N' }),
    ...sourceFlags,
    ...proofFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Get)
    const { flags } = parsed
    const { options, target } = parseGet(parsed)
    const context = await this.context(flags)
    if (target === undefined) this.exitWith(await runGet(options, context, this.out, this.signal))
    else this.exitWith(await runGetProof(options, target, context, this.out, this.signal))
  }
}
