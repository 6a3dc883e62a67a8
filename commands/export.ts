import * as Flags from '@oclif/core/flags'
import { parseExport } from '../src/cli/bundle/export-flags.js'
import { runExport } from '../src/cli/bundle/export-run.js'
import { chainFlags, parseChain } from '../src/cli/flags/chain.js'
import { filterFlags, subjectFilter, timeFlags } from '../src/cli/query/flags.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Export extends AuditCommand {
  static override summary = 'Write one self-contained evidence file of a chain'
  static override description =
    `The file holds the canonical bytes and hashes of every row, and two verifiers that need neither this program nor a
database. The rows are verified while they are written. A chain that diverges is exported too, with its damage unchanged,
and the exit code is 1. The file gets its name once it is complete. A filter selects rows; the file is marked as a
selection and never verifies as a complete range.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --output evidence.tar',
    '<%= config.bin %> <%= command.id %> --domain UUID --from 2026-01-01T00:00:00Z --to 2026-03-31T23:59:59Z --output q1.tar',
    '<%= config.bin %> verify --source bundle evidence.tar',
  ]

  static override flags = {
    ...chainFlags,
    output: Flags.string({ required: true, helpValue: 'FILE', summary: 'the file to write' }),
    force: Flags.boolean({ summary: 'replace an existing file' }),
    'from-seq': Flags.string({ helpValue: 'N', summary: 'first row; default: 1' }),
    'to-seq': Flags.string({ helpValue: 'N', summary: 'last row; default: the last' }),
    ...timeFlags,
    ...filterFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Export)
    const { flags, raw } = parsed
    const domainId = parseChain({ flags: { domain: flags.domain, platform: flags.platform }, raw })
    const request = parseExport(domainId, flags)
    const context = await this.context(flags)
    const subject = await subjectFilter(context, domainId, flags['subject-id'])
    const options = {
      request: { ...request, filter: { ...request.filter, ...subject } },
      path: flags.output,
      replace: flags.force,
      tool: `${this.config.name}/${this.config.version}`,
      json: flags.json,
    }
    this.exitWith(await runExport(options, context, this.out, this.signal))
  }
}
