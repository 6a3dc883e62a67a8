import * as Flags from '@oclif/core/flags'
import { SIGNED_OVER_REASONS } from '../../src/chain/log/signed-row.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { lockFlags } from '../../src/cli/flags/lock-timeout.js'
import { logKeyFlags } from '../../src/cli/flags/log-key.js'
import { mirrorFlags } from '../../src/cli/flags/mirror.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { runCheckpointCreate } from '../../src/cli/sign/create.js'
import { parseOver } from '../../src/cli/sign/flags.js'

export default class CheckpointCreate extends AuditCommand {
  static override summary = 'Sign the heads of chains now'
  static override description =
    `Does what the archiver does each --checkpoint-interval, without archiving the Domains first. A chain that cannot be signed is
named with the reason, and the command ends with its exit code (docs/signing.md).

Signing stops before the first row that the archiver held back. With --over-findings the rows of one chain that are missing, not
archived or have a finding get no data in the tree, so that nobody can prove them any more, and the rows after them are signed
again. The findings stay, and so does the row that says so: it cannot be undone. Without --confirm the command names these rows and
ends with 2. It also enrols a chain with findings, and with --platform begins a log whose platform chain has findings.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all',
    '<%= config.bin %> <%= command.id %> --domain UUID --over-findings --reason rows_damaged --confirm',
  ]

  static override flags = {
    ...chainsFlags,
    ...mirrorFlags,
    ...lockFlags,
    ...logKeyFlags,
    'over-findings': Flags.boolean({ summary: 'sign over the rows that keep the chain from being signed' }),
    reason: Flags.string({
      helpValue: 'CODE',
      options: [...SIGNED_OVER_REASONS],
      summary: 'with --over-findings: why; hashed onto the platform chain',
    }),
    confirm: Flags.boolean({ summary: 'with --over-findings: do it' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(CheckpointCreate)
    const chain = parseChains(parsed)
    const options = { chain, over: parseOver(chain, parsed.flags), json: parsed.flags.json }
    this.exitWith(await runCheckpointCreate(options, await this.context(parsed.flags), this.out, this.signal))
  }
}
