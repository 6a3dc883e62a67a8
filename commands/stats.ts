import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { formatFlag, parseFormat } from '../src/cli/flags/format.js'
import { integerFlag } from '../src/cli/flags/integer.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { segmentFilterFlags } from '../src/cli/flags/segment.js'
import { severalChainsFlags } from '../src/cli/flags/several-chains.js'
import { parseCopies } from '../src/cli/query/copies.js'
import { eventRange, eventTimeFlags, filterFlags, listParameters, timeFlags } from '../src/cli/query/flags.js'
import { parseRange } from '../src/cli/query/range.js'
import { assertHoldsContext, sourceFlags } from '../src/cli/query/source.js'
import { runStats } from '../src/cli/query/stats/run.js'
import { noteTimes } from '../src/cli/query/times.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { DIMENSIONS, type Dimension } from '../src/ports/stats.js'
import { parseFilter } from '../src/query/list-query.js'

const DEFAULT_BY: readonly Dimension[] = ['reason', 'relation', 'object-type', 'subject', 'day']

export default class Stats extends AuditCommand {
  static override summary = 'Count the rows of chains that match the given filters'
  static override description =
    `Counts rows, and the denied ones among them, by reason, relation, object type, subject, day or hour. Hours and days are in UTC,
come in order of time, and are left out where there is no row. Everything else comes by the number of rows.

Rows are counted as they are stored. PostgreSQL counts them by the index of a filter. With --verify they are read by the primary
key alone and recomputed, and the exit code is 1 if a counted row is damaged or unlinked. Rows of a mirror and of an evidence
file are always recomputed, and no database is opened for them.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --since 7d --by hour',
    '<%= config.bin %> <%= command.id %> evidence.tar --by day',
    '<%= config.bin %> <%= command.id %> --all-chains --denied --by relation --by subject --top 20',
  ]

  static override args = {
    file: Args.string({ description: 'an evidence file that `export` wrote; it needs no --domain' }),
  }

  static override flags = {
    ...severalChainsFlags,
    ...namesFlags,
    by: Flags.option({
      options: DIMENSIONS,
      multiple: true,
      multipleNonGreedy: true,
      summary: 'what to count by; repeat it for several. Default: all but hour',
    })(),
    top: integerFlag({
      min: 1,
      max: 1_000,
      summary: 'values of each table, except hours and days; default: 10',
    }),
    verify: Flags.boolean({
      summary:
        'read by the primary key alone, and recompute; exit code 1 if a counted row is damaged or unlinked',
    }),
    format: formatFlag,
    ...sourceFlags,
    ...filterFlags,
    ...segmentFilterFlags,
    ...timeFlags,
    ...eventTimeFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Stats)
    const { flags, args } = parsed
    const copies = parseCopies(parsed, args.file)
    const format = parseFormat(flags)
    const filter = { ...parseFilter(listParameters(flags)), ...eventRange(flags) }
    const { range } = parseRange({ 'from-seq': flags['from-seq'], 'to-seq': flags['to-seq'] })
    assertHoldsContext(copies, { ...filter, context: false })
    noteTimes(flags, filter)
    const context = await this.context(flags)
    const { verify, top = 10, 'subject-id': subjectId } = flags
    const dimensions = [...new Set(flags.by ?? DEFAULT_BY)]
    const options = { copies, filter, subjectId, range, dimensions, top, verify, format, names: this.names }
    await runStats(options, context, this.out, this.signal)
  }
}
