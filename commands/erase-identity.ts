import * as Flags from '@oclif/core/flags'
import { AuditError } from '../src/base/errors.js'
import { runErase } from '../src/cli/erasure/erase-run.js'
import { chainsFlags, parseChains } from '../src/cli/flags/chain.js'
import { lockFlags } from '../src/cli/flags/lock-timeout.js'
import { parsePerson, personFlags } from '../src/cli/flags/person.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class EraseIdentity extends AuditCommand {
  static override summary = 'Forget a person: delete their personal data and keep the chain'
  static override description =
    `Deletes the mapping from the pseudonym to the person and the contexts of the person's rows, and appends a row that
records it, in one transaction. Rows stay as they are: they only hold the pseudonym. Without --confirm, prints what would be
deleted, changes nothing and exits with 2. A repeated erasure exits with 0 and prints the receipt of the earlier one.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --identity UUID',
    '<%= config.bin %> <%= command.id %> --domain UUID --subject alice@example.org --confirm',
  ]

  static override flags = {
    ...chainsFlags,
    ...personFlags,
    ...lockFlags,
    block: Flags.boolean({
      summary: 'also refuse personal data of this person in future appends, permanently',
    }),
    confirm: Flags.boolean({ summary: 'delete the data' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(EraseIdentity)
    const { flags } = parsed
    const chain = parseChains(parsed)
    if (chain === 'all' && flags.pseudonym !== undefined) {
      throw new AuditError('usage', '--pseudonym names a person on one chain; it excludes --all')
    }
    const options = {
      chain,
      person: parsePerson(flags),
      // oclif's type says boolean; a flag that is not given is undefined.
      block: flags.block === true,
      confirm: flags.confirm === true,
      json: flags.json,
    }
    await runErase(options, await this.context(flags), this.out, this.signal)
  }
}
