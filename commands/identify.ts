import * as Flags from '@oclif/core/flags'
import { AuditError } from '../src/base/errors.js'
import { lockFlags } from '../src/cli/flags/lock-timeout.js'
import { identifiedOnFlags, parseIdentifiedOn, parseSought, soughtFlags } from '../src/cli/identify/flags.js'
import { runIdentify } from '../src/cli/identify/run.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Identify extends AuditCommand {
  static override summary =
    'Print what is known of the person behind a pseudonym, and record that on the chain'
  static override description =
    `Prints identity, name, e-mail address, claims, addresses and user agents, and when the person was first and last
seen. In the same transaction a row audit.identity-reveal is appended, whose subject is --actor, and nothing is printed until that
row is there. Several --domain are one transaction, with a row on each chain whose data is shown; --all is one a chain. The reason is kept beside the chain and goes when the person is erased. A person who was erased stays erased: the
pseudonym and the number of their rows are printed, and no row is appended.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --seq 17 --reason "case 4711"',
    '<%= config.bin %> <%= command.id %> --domain UUID --domain UUID --subject-id alice@example.org --reason "case 4711"',
    '<%= config.bin %> <%= command.id %> --all --subject-id alice@example.org --reason "request for access"',
  ]

  static override flags = {
    ...identifiedOnFlags,
    ...soughtFlags,
    ...lockFlags,
    reason: Flags.string({
      helpValue: 'TEXT',
      required: true,
      summary: 'why the person is identified, up to 1024 bytes',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Identify)
    const { flags } = parsed
    const chains = parseIdentifiedOn(parsed)
    const person = parseSought(flags)
    if ('seq' in person && (chains === 'all' || chains.length > 1)) {
      throw new AuditError('usage', '--seq names a row of one chain; it excludes --all and several --domain')
    }
    const options = { chains, person, reason: flags.reason, json: flags.json }
    await runIdentify(options, await this.context(flags), this.out, this.signal)
  }
}
