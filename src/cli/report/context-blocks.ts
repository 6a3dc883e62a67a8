import { wireTime } from '../../base/wire-time.js'
import type { Context } from '../../compose/context.js'
import { openKeyReader } from '../../compose/query.js'
import type { EntryFilter, EntryReader, ReadEntry } from '../../ports/query.js'
import { safeText } from '../output/safe-text.js'
import { scriptJson } from './page/html.js'

/** Rows in a query, and characters of all blocks together. */
const PAGE = 1_000
const MAX_CHARACTERS = 11 * 1024 * 1024
/** Characters of one text. Metadata may have 16 KiB. */
const MAX_TEXT = 2_000

/** Returns the addresses, programs and metadata of the listed rows as JSON, for data blocks of the page. */
export async function contextBlocks(
  context: Context,
  chains: readonly ListedChain[],
  filter: EntryFilter,
  signal: AbortSignal,
): Promise<string[]> {
  const reader = await openKeyReader(context)
  const blocks: string[] = []
  let characters = 0
  for (const chain of chains) {
    for await (const rows of pages(reader, chain, filter, signal)) {
      const block = scriptJson(rows.flatMap((row) => contextJson(chain.index, row)))
      characters += block.length
      if (characters > MAX_CHARACTERS) return blocks
      blocks.push(block)
    }
  }
  return blocks
}

/** The rows of a chain that the page lists. */
export interface ListedChain {
  readonly index: number
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq: number
}

async function* pages(
  reader: EntryReader,
  { domainId, fromSeq, toSeq }: ListedChain,
  filter: EntryFilter,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  for (let after = fromSeq - 1; after < toSeq; ) {
    signal.throwIfAborted()
    const rows = await reader.page(domainId, filter, { after, upTo: toSeq, limit: PAGE })
    if (rows.length === 0) return
    yield rows
    after = rows.at(-1)?.seq ?? toSeq
  }
}

/** Returns the array that assets/report.js reads, or nothing for a row without a context. */
function contextJson(chain: number, row: ReadEntry): readonly string[][] {
  const { seq, ip, userAgent, metadata, eventTime } = row
  const texts = [
    eventTime === undefined ? '' : wireTime(eventTime),
    ip ?? '',
    userAgent ?? '',
    metadata ?? '',
  ]
  if (texts.every((text) => text === '')) return []
  return [[`${chain}/${seq}`, ...texts.map(shortText)]]
}

function shortText(text: string): string {
  const more = text.length - MAX_TEXT
  return more <= 0 ? safeText(text) : `${safeText(text.slice(0, MAX_TEXT))} … (${more} more characters)`
}
