import * as Flags from '@oclif/core/flags'
import { chainFlags, parseChain } from '../src/cli/flags/chain.js'
import { printStream } from '../src/cli/output/print-stream.js'
import { note } from '../src/cli/output/streams.js'
import { filterFlags, listParameters, subjectFilter, timeFlags } from '../src/cli/query/flags.js'
import { ENTRY_LIST, printPage } from '../src/cli/query/text.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import type { Context } from '../src/compose/context.js'
import { cursorKeyOf } from '../src/compose/pepper.js'
import { openEntryReader } from '../src/compose/query.js'
import type { EntryFilter } from '../src/ports/query.js'
import { listEntries, streamEntries } from '../src/query/list.js'
import { parseFilter, parseLimit } from '../src/query/list-query.js'

export default class List extends AuditCommand {
  static override summary = 'List the rows of a chain that match the given filters'
  static override description =
    `Filters are exact, and all of them must match. If more rows follow, the command prints a cursor for the
next page. Times are RFC 3339 and inclusive.`

  static override flags = {
    ...chainFlags,
    limit: Flags.string({ summary: 'rows in a page, 1 to 200; default: 50', helpValue: 'N' }),
    cursor: Flags.string({ summary: 'continue after the page that printed this cursor', helpValue: 'TEXT' }),
    all: Flags.boolean({ summary: 'every row; with --json, one per line', exclusive: ['limit', 'cursor'] }),
    ...filterFlags,
    ...timeFlags,
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(List)
    const { flags, raw } = parsed
    const domainId = parseChain({ flags: { domain: flags.domain, platform: flags.platform }, raw })
    const filter = parseFilter(listParameters(flags))
    const limit = parseLimit(flags.limit)
    const context = await this.context(flags)
    const fullFilter = { ...filter, ...(await subjectFilter(context, domainId, flags['subject-id'])) }
    if (flags.all) await this.#stream(context, domainId, fullFilter, flags.json)
    else await this.#page(context, { domainId, filter: fullFilter, limit, cursor: flags.cursor }, flags.json)
  }

  async #stream(context: Context, domainId: string, filter: EntryFilter, json: boolean): Promise<void> {
    const items = streamEntries(await openEntryReader(context), domainId, filter, this.signal)
    const count = await printStream(this.out, items, { json, ...ENTRY_LIST })
    if (count === 0) note('no rows')
  }

  async #page(context: Context, request: Parameters<typeof listEntries>[2], json: boolean): Promise<void> {
    const page = await listEntries(await openEntryReader(context), cursorKeyOf(context), request)
    await printPage(page, json, this.out)
  }
}
