import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { formatFlag, parseFormat } from '../src/cli/flags/format.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { severalChainsFlags } from '../src/cli/flags/several-chains.js'
import { parseCopies } from '../src/cli/query/copies.js'
import { eventRange, eventTimeFlags, filterFlags, listParameters, timeFlags } from '../src/cli/query/flags.js'
import { modeFlags, parseMode } from '../src/cli/query/list-mode.js'
import { runList } from '../src/cli/query/list-run.js'
import { parseRange, rangeFlags } from '../src/cli/query/range.js'
import { assertHoldsContext, sourceFlags } from '../src/cli/query/source.js'
import { noteTimes } from '../src/cli/query/times.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { parseFilter } from '../src/query/list-query.js'

export default class List extends AuditCommand {
  static override summary = 'List the rows of a chain that match the given filters'
  static override description =
    `Filters are exact, and all of them must match. If more rows follow, the command prints a cursor for the
next page. Times are inclusive, and in UTC unless they name another zone.

Every row comes with its check: ok; damaged, if it does not recompute; or unlinked, if it recomputes and its prev_hash is
not the entry_hash of the row before it. A list finds rows by the index of a filter, from which somebody who holds the
database can keep a row out. With --verify rows are read by the primary key alone, which takes as long as reading the chain,
and the exit code is 1 if a printed row is damaged or unlinked. Only audit verify shows a row that was removed at the end,
or that was edited so that it no longer matches.

PostgreSQL finds a time range by a search that relies on the order of the times. time_order in the JSON says whether that order
is verified, unverified or broken. With --verify, and where the order is broken, the time of every row is compared.

--from, --to and --since compare recorded_at, which for an imported row is the time of the import. --event-from and
--event-to compare the event's own time. No hash covers that time, nor anything else that --context prints.

With --source mirror and with a FILE no database is opened. Such a copy does not hold addresses, user agents, metadata,
identities and archive stamps.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --domain UUID --denied --since 24h',
    '<%= config.bin %> <%= command.id %> --domain UUID --source mirror --mirror file:///copy/of/the/bucket --around 281',
    '<%= config.bin %> <%= command.id %> evidence.tar --all --json',
  ]

  static override args = {
    file: Args.string({ description: 'an evidence file that `export` wrote; it needs no --domain' }),
  }

  static override flags = {
    ...severalChainsFlags,
    ...namesFlags,
    ...modeFlags,
    format: formatFlag,
    verify: Flags.boolean({
      summary: 'read by the primary key alone; exit code 1 if a printed row is damaged or unlinked',
    }),
    context: Flags.boolean({
      summary: 'also print address, user agent, metadata and event time, which no hash covers',
    }),
    ...sourceFlags,
    ...filterFlags,
    ...rangeFlags,
    ...timeFlags,
    ...eventTimeFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(List)
    const { flags, args } = parsed
    const copies = parseCopies(parsed, args.file)
    const format = parseFormat(flags)
    const filter = { ...parseFilter(listParameters(flags)), ...eventRange(flags) }
    const { range, limit, around } = parseRange(flags)
    const { mode, order } = parseMode(flags, copies, limit)
    // oclif's type says boolean; a flag that is not given is undefined.
    const withContext = flags.context === true
    assertHoldsContext(copies, { ...filter, context: withContext })
    noteTimes(flags, filter)
    const context = await this.context(flags)
    const form = { format, context: withContext, areSeveral: copies.areSeveral }
    const { verify, 'subject-id': subjectId } = flags
    const { names } = this
    const options = {
      copies,
      filter,
      mode,
      range: { ...range, order },
      around,
      form,
      names,
      verify,
      subjectId,
    }
    await runList(options, context, this.out, this.signal)
  }
}
