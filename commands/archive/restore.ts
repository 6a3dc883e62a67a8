import * as Flags from '@oclif/core/flags'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { mirrorFlags } from '../../src/cli/flags/mirror.js'
import { parsePinFlags, pinFlags } from '../../src/cli/flags/pins.js'
import { policyFlags } from '../../src/cli/flags/policy.js'
import { runRestore } from '../../src/cli/restore/run.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'

export default class ArchiveRestore extends AuditCommand {
  static override mayCreateHome = true
  static override summary = 'Rebuild chains that are missing in PostgreSQL from the mirror alone'
  static override description =
    `Verifies the mirror, writes the rows, and verifies both copies. Refuses a chain that exists, and a broken mirror, which
ends with 1. Run a restore that was killed again; until then, a verify of the chain ends with 3. The pepper must be the
one that the chain began with. Rows that had not been archived are lost, and new rows reuse their sequence numbers.
Personal data is not in the mirror and is not restored. A mirror without rows that a known key has signed ends with 3, and
nothing is restored; --allow-broken-tail restores the rows that are there.

--all restores the platform chain, and then every Domain that the platform chain or the mirror names. A Domain that was
created with a mirror of its own is restored from that mirror. A chain that exists and equals the mirror's is skipped. A
chain that exists and differs is refused, and the others go on. To restore chains one by one, begin with --platform.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --mirror s3://bucket/prefix --pepper file:///safe/pepper.key',
    '<%= config.bin %> <%= command.id %> --platform --mirror s3://bucket/prefix --pepper file:///safe/pepper.key',
    '<%= config.bin %> <%= command.id %> --domain UUID --expect-head 2901:HASH',
  ]

  static override flags = {
    ...chainsFlags,
    ...mirrorFlags,
    ...lockFlags,
    ...policyFlags,
    ...pinFlags,
    'allow-broken-tail': Flags.boolean({
      summary: 'restore the intact rows before the first finding, or before signed rows that are missing',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(ArchiveRestore)
    const { flags } = parsed
    const chain = parseChains(parsed)
    const options = {
      chain,
      ...parsePinFlags(chain, flags),
      allowBrokenTail: flags['allow-broken-tail'] === true,
      json: flags.json,
    }
    this.exitWith(await runRestore(options, await this.context(flags), this.out, this.signal))
  }
}
