import * as Flags from '@oclif/core/flags'
import { AuditError } from '../src/base/errors.js'
import { runErase } from '../src/cli/erasure/erase-run.js'
import { chainsFlags, chainsOf } from '../src/cli/flags/chain.js'
import { personFlags, personOf } from '../src/cli/flags/person.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class EraseIdentity extends AuditCommand {
  static override summary = 'Forget a person: delete their personal data, and keep the chain'
  static override description =
    `Deletes the mapping from pseudonym to person and the contexts of the person's rows, and appends a row that tells of
it, in one transaction. Rows stay as they are: they only ever held the pseudonym. Without --confirm it tells what would
go, changes nothing and ends with 2. Repeated, it ends with 0 and gives the receipt of the erasure before.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --identity UUID',
    '<%= config.bin %> <%= command.id %> --domain UUID --subject alice@example.org --confirm',
  ]

  static override flags = {
    ...chainsFlags,
    ...personFlags,
    block: Flags.boolean({
      summary: 'keep no personal data of this person in later appends either, for good',
    }),
    confirm: Flags.boolean({ summary: 'do it' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(EraseIdentity)
    const { flags } = parsed
    const chain = chainsOf(parsed)
    if (chain === 'all' && flags.pseudonym !== undefined) {
      throw new AuditError('usage', '--pseudonym is of one chain, not of --all')
    }
    const options = {
      chain,
      person: personOf(flags),
      // oclif's type says boolean; a flag that is not given is undefined.
      block: flags.block === true,
      confirm: flags.confirm === true,
      json: flags.json,
    }
    await runErase(options, await this.context(flags), this.out, this.signal)
  }
}
