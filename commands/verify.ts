import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { assertNoBundle, parseBundle } from '../src/cli/bundle/verify-flags.js'
import { chainsFlags, parseChains } from '../src/cli/flags/chain.js'
import { durationFlag, HOUR, SECOND } from '../src/cli/flags/duration.js'
import { mirrorFlags } from '../src/cli/flags/mirror.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { parsePinFlags, pinFlags } from '../src/cli/flags/pins.js'
import { policyFlags } from '../src/cli/flags/policy.js'
import { provenFlags } from '../src/cli/flags/proven.js'
import { rememberFlags } from '../src/cli/flags/remember.js'
import { parseSegment, segmentFlags } from '../src/cli/flags/segment.js'
import { chosenCopy, sourceFlag } from '../src/cli/flags/source.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { parseMaxUnarchived } from '../src/cli/verify/flags.js'
import { runVerify } from '../src/cli/verify/run.js'

export default class Verify extends AuditCommand {
  static override summary = 'Recompute a chain and report whether every row is intact'
  static override description =
    `Exits with 0 when every row is intact and with 1 when a divergence was found; never with 0 or 1 when
something could not be read. Signed heads show whether the end of a chain was rewritten or cut; give --policy a key of the log
that did not come from the log, and the run ends with 5 where nothing that this key signed shows it. Without signatures,
keep the head that verify prints in another place, and pass it with --expect-head, or give --remember a file there.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID',
    '<%= config.bin %> <%= command.id %> --all --json > heads.ndjson',
    '<%= config.bin %> <%= command.id %> --all --expect-heads heads.ndjson',
    '<%= config.bin %> <%= command.id %> --domain UUID --source mirror --mirror file:///copy/of/the/bucket',
    '<%= config.bin %> <%= command.id %> evidence.tar --expect-head 2917:HASH',
    '<%= config.bin %> <%= command.id %> --all --remember heads.ndjson',
    '<%= config.bin %> <%= command.id %> --all --policy audit.policy --require signed,copies --source both',
  ]

  static override args = {
    file: Args.string({ description: 'an evidence file that `export` wrote' }),
  }

  static override flags = {
    ...chainsFlags,
    ...namesFlags,
    ...mirrorFlags,
    source: sourceFlag(
      'verify',
      ['postgres', 'mirror', 'both', 'bundle'],
      ', both compares the two copies row by row',
    ),
    ...segmentFlags,
    ...pinFlags,
    ...rememberFlags,
    ...policyFlags,
    ...provenFlags,
    'allow-filtered': Flags.boolean({
      summary: 'accept a bundle of a filtered selection, which cannot show that no row is missing',
    }),
    'max-unarchived': durationFlag({
      min: SECOND,
      max: 10_000 * HOUR,
      summary:
        'the age of a row, such as 1h, from which the verdict is unproven while the row is not archived',
    }),
    'no-quarantine': Flags.boolean({ summary: 'do not write findings to the quarantine' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Verify)
    const { flags } = parsed
    const { source, file } = chosenCopy(flags.source, parsed.args.file)
    if (source === 'bundle') {
      const { runVerifyBundle } = await import('../src/cli/bundle/verify-run.js')
      this.exitWith(
        await runVerifyBundle(
          parseBundle(parsed, file, this.names),
          await this.context(flags),
          this.out,
          this.signal,
        ),
      )
      return
    }
    assertNoBundle(parsed)
    const chain = parseChains(parsed)
    const code = await runVerify(
      {
        chain,
        source,
        ...parseSegment(chain, flags),
        ...parsePinFlags(chain, flags),
        remember: flags.remember,
        require: flags.require,
        checkpoints: flags.checkpoint,
        maxUnarchived: parseMaxUnarchived(flags),
        quarantine: !flags['no-quarantine'],
        json: flags.json,
        names: this.names,
      },
      await this.context(flags),
      this.out,
      this.signal,
    )
    this.exitWith(code)
  }
}
