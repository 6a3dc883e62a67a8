import * as Flags from '@oclif/core/flags'
import { chainsFlags, chainsOf } from '../../src/cli/flags/chain.js'
import { mirrorFlags } from '../../src/cli/flags/mirror.js'
import { runRestore } from '../../src/cli/restore/run.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { parsePin, parseSegment } from '../../src/cli/verify/flags.js'

export default class ArchiveRestore extends AuditCommand {
  static override summary = 'Rebuild chains that PostgreSQL does not have from the mirror alone'
  static override description =
    `Verifies the mirror, writes the rows, and verifies both copies. A chain that exists is refused, and so is a broken
mirror, which ends with 1. A restore that was killed is run again; until then a verify of the chain ends with 3. The
pepper must be the one that the chain was begun with. Rows that had not been archived are lost, and their sequence
numbers are used anew. Personal data is not in the mirror and does not come back.

--all restores the platform chain, and then every Domain that it or the mirror speaks of, each from the mirror of its own
where it was created with one. A chain that is there already and is the mirror's is passed over; one that is not is
refused, and the others go on. To restore chains one by one, begin with --platform.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --mirror s3://bucket/prefix --pepper file:///safe/pepper.key',
    '<%= config.bin %> <%= command.id %> --platform --mirror s3://bucket/prefix --pepper file:///safe/pepper.key',
    '<%= config.bin %> <%= command.id %> --domain UUID --expect-head 2901:HASH',
  ]

  static override flags = {
    ...chainsFlags,
    ...mirrorFlags,
    'expect-head': Flags.string({
      helpValue: 'SEQ:HASH',
      summary: 'a head seen before, which must be in the mirror',
    }),
    'expect-heads': Flags.string({ helpValue: 'FILE', summary: 'saved verify results, one a line, as pins' }),
    'allow-broken-tail': Flags.boolean({ summary: 'restore what is intact before the first finding' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(ArchiveRestore)
    const { flags } = parsed
    const pin = flags['expect-head']
    const chain = chainsOf(parsed)
    parseSegment(chain, flags)
    const options = {
      chain,
      expectHead: pin === undefined ? undefined : parsePin(pin),
      expectHeads: flags['expect-heads'],
      allowBrokenTail: flags['allow-broken-tail'] === true,
      json: flags.json,
    }
    this.exitWith(await runRestore(options, await this.context(flags), this.out, this.signal))
  }
}
