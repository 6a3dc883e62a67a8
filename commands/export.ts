import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { exportFilterFlags, parseExport } from '../src/cli/bundle/export-flags.js'
import { runExport } from '../src/cli/bundle/export-run.js'
import { chainFlags } from '../src/cli/flags/chain.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { segmentFlags } from '../src/cli/flags/segment.js'
import { timeFlags } from '../src/cli/query/flags.js'
import { parseFrom, sourceFlags } from '../src/cli/query/source.js'
import { noteTimes } from '../src/cli/query/times.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Export extends AuditCommand {
  static override summary = 'Write one self-contained evidence file of a chain'
  static override description =
    `The file holds the canonical bytes and hashes of every row, and two verifiers that need neither this program nor a
database. The rows are verified while they are written. A chain that diverges is exported too, with its damage unchanged,
and the exit code is 1. The file gets its name once it is complete. A filter selects rows; the file is marked as a
selection and never verifies as a complete range.

Rows are found by the index of a filter, from which somebody who holds the database can keep a row out. With --verify they are
read by the primary key alone, which takes as long as reading the chain.

With --source mirror and with a FILE no database is opened. A mirror keeps no chain head, so its rows are a range that ends
with the last object.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --output evidence.tar',
    '<%= config.bin %> <%= command.id %> --domain UUID --from 2026-01-01T00:00:00Z --to 2026-03-31T23:59:59Z --output q1.tar',
    '<%= config.bin %> <%= command.id %> --domain UUID --source mirror --mirror file:///copy/of/the/bucket --output evidence.tar',
    '<%= config.bin %> <%= command.id %> evidence.tar --from-seq 200 --to-seq 300 --output part.tar',
    '<%= config.bin %> verify evidence.tar',
  ]

  static override args = {
    file: Args.string({ description: 'an evidence file to export a part of; it needs no --domain' }),
  }

  static override flags = {
    ...chainFlags,
    ...namesFlags,
    output: Flags.string({ required: true, helpValue: 'FILE', summary: 'the file to write' }),
    verify: Flags.boolean({ summary: 'read by the primary key alone' }),
    report: Flags.boolean({
      summary:
        'also put a page for people into the file; it is not evidence, and earlier verifiers refuse it',
    }),
    force: Flags.boolean({ summary: 'replace an existing file' }),
    ...segmentFlags,
    ...sourceFlags,
    ...timeFlags,
    ...exportFilterFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Export)
    const { flags, args } = parsed
    const options = {
      from: parseFrom(parsed, args.file),
      request: { ...parseExport(flags), byKey: flags.verify },
      subjectId: flags['subject-id'],
      path: flags.output,
      replace: flags.force,
      tool: `${this.config.name}/${this.config.version}`,
      report: flags.report === true,
      json: flags.json,
    }
    noteTimes(flags, options.request)
    const context = await this.context(flags)
    this.exitWith(await runExport(options, context, this.out, this.signal))
  }
}
