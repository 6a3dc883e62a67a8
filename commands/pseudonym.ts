import * as Flags from '@oclif/core/flags'
import { chainFlags, parseChain } from '../src/cli/flags/chain.js'
import { checkedSubjectId } from '../src/cli/identify/flags.js'
import { runPseudonym } from '../src/cli/pepper/pseudonym-run.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Pseudonym extends AuditCommand {
  static override summary = 'Print the pseudonym of a subject_id on a chain, without a database'
  static override description =
    `Derives the pseudonym from the pepper of the chain, so that a copy of a mirror can be searched for a person.
Without a database nothing can check that this is the pepper of the chain: with another pepper the pseudonym occurs in no row.
The command creates nothing, no key either.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --subject-id alice@example.org --pepper file:///etc/audit/pepper.key',
  ]

  static override flags = {
    ...chainFlags,
    'subject-id': Flags.string({
      helpValue: 'TEXT',
      required: true,
      summary: 'the subject_id, which must match to the letter; a UUID in either case',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Pseudonym)
    const { flags } = parsed
    const domainId = parseChain(parsed)
    const subjectId = checkedSubjectId(flags['subject-id'])
    await runPseudonym({ domainId, subjectId, json: flags.json }, await this.context(flags), this.out)
  }
}
