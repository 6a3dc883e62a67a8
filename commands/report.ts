import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { parseBundle } from '../src/cli/bundle/verify-flags.js'
import { chainsFlags, parseChains, parseOptionalChain } from '../src/cli/flags/chain.js'
import { mirrorFlags } from '../src/cli/flags/mirror.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { pinFlags } from '../src/cli/flags/pins.js'
import { rememberFlags } from '../src/cli/flags/remember.js'
import { parseSegment, segmentFlags } from '../src/cli/flags/segment.js'
import { chosenCopy, sourceFlag } from '../src/cli/flags/source.js'
import { filterFlags, listParameters, timeFlags } from '../src/cli/query/flags.js'
import { noteTimes } from '../src/cli/query/times.js'
import {
  assertHolds,
  assertNotRefused,
  filterWords,
  parseCheck,
  parseOutput,
  refusedFlags,
} from '../src/cli/report/flags.js'
import { reportSubject } from '../src/cli/report/subject.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { parseFilter } from '../src/query/list-query.js'

export default class Report extends AuditCommand {
  static override summary = 'Verify and write one page about it that anybody can open, search and print'
  static override description =
    `The page is one HTML file. It names the verdict, what was checked and what is not proven, every finding with
what was changed, the rows over time, the most frequent values, and the rows. It makes no request, and holds no personal data
unless --context is given.

Every row of the range is verified; filters select the rows that are counted and listed. The exit code is that of audit verify:
with 1 the page was written too. When a chain cannot be read, the exit code is 3 and nothing is written, except with --all:
the page then names the chains that could not be read.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --output report.html',
    '<%= config.bin %> <%= command.id %> --all --source mirror --mirror file:///copy/of/the/bucket --output report.html',
    '<%= config.bin %> <%= command.id %> --domain UUID --denied --since 7d --output denials.html',
    '<%= config.bin %> <%= command.id %> evidence.tar --output report.html',
  ]

  static override args = {
    file: Args.string({ description: 'a file that `export` wrote, to report on' }),
  }

  static override flags = {
    ...chainsFlags,
    ...namesFlags,
    ...mirrorFlags,
    source: sourceFlag('read', ['postgres', 'mirror', 'both', 'bundle']),
    output: Flags.string({ required: true, helpValue: 'FILE', summary: 'the page to write' }),
    force: Flags.boolean({ summary: 'replace an existing file' }),
    context: Flags.boolean({
      summary:
        'also show addresses, user agents and metadata; erasing a person does not reach them in the page',
    }),
    ...segmentFlags,
    ...pinFlags,
    ...rememberFlags,
    ...filterFlags,
    ...timeFlags,
    ...refusedFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Report)
    const { flags, args } = parsed
    assertNotRefused(flags)
    const { source, file } = chosenCopy(flags.source, args.file)
    const output = parseOutput(flags.output)
    const chain = source === 'bundle' ? parseOptionalChain(parsed) : parseChains(parsed)
    assertHolds(source, flags, chain)
    const filter = parseFilter(listParameters(flags))
    noteTimes(flags, filter)
    const check =
      source === 'bundle' ? parseBundle(parsed, file, this.names) : parseCheck(parsed, source, this.names)
    const context = await this.context(flags)
    const from = { source, file, domainId: chain }
    const subject = await reportSubject(context, from, flags['subject-id'])
    const words = filterWords({ ...flags, subject: flags.subject ?? subject.subjectPseudonym }, filter)
    const { runReport } = await import('../src/cli/report/run.js')
    const { fromSeq, toSeq } = parseSegment(chain ?? '', flags)
    const options = {
      check,
      copy: { source, file, fromSeq, toSeq },
      filter: { ...filter, ...subject },
      filterWords: words,
      hasContext: flags.context === true,
      output,
      replace: flags.force === true,
      tool: `${this.config.name}/${this.config.version}`,
      json: flags.json,
    }
    this.exitWith(await runReport(options, context, this.out, this.signal))
  }
}
