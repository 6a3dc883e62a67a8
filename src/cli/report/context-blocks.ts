import { wireTime } from '../../base/wire-time.js'
import type { Context } from '../../compose/context.js'
import { openKeyReader } from '../../compose/query.js'
import type { EntryFilter, ReadEntry } from '../../ports/query.js'
import { rowPages } from '../../query/row-pages.js'
import { safeText } from '../output/safe-text.js'
import { scriptJson } from './page/html.js'
import type { CutContext } from './page/report-data.js'

/** Rows in a query, and characters of all blocks together. */
const PAGE = 1_000
const MAX_CHARACTERS = 11 * 1024 * 1024
/** Characters of one text. Metadata may have 16 KiB. */
const MAX_TEXT = 2_000

/** The addresses, programs and metadata of the listed rows. */
export interface Contexts {
  /** JSON for data blocks of the page. */
  readonly blocks: readonly string[]
  /** The first row for which there was no room. */
  readonly cut?: CutContext | undefined
}

/** Returns the details of the listed rows, up to the first row for which the page has no room. */
export async function contextBlocks(
  context: Context,
  chains: readonly ListedChain[],
  filter: EntryFilter,
  signal: AbortSignal,
): Promise<Contexts> {
  const reader = await openKeyReader(context)
  const room = new Room()
  for (const chain of chains) {
    const { domainId, fromSeq, toSeq } = chain
    const range = { after: fromSeq - 1, upTo: toSeq }
    for await (const rows of rowPages({ reader, domainId, filter, range }, PAGE, signal)) {
      const cut = room.add(chain, rows)
      if (cut !== undefined) return { blocks: room.blocks, cut }
    }
  }
  return { blocks: room.blocks }
}

/** Collects blocks until the page is full. */
class Room {
  readonly blocks: string[] = []
  #left = MAX_CHARACTERS

  /** Adds a block. Returns the first row for which there is no room; undefined where all have room. */
  add({ index, domainId }: ListedChain, rows: readonly ReadEntry[]): CutContext | undefined {
    const texts: string[] = []
    const cut = rows.find((row) => {
      const text = contextJson(index, row)
      if (text === undefined) return false
      this.#left -= text.length + 1
      if (this.#left >= 0) texts.push(text)
      return this.#left < 0
    })
    this.blocks.push(`[${texts.join(',')}]`)
    return cut === undefined ? undefined : { domainId, seq: cut.seq }
  }
}

/** The rows of a chain that the page lists. */
export interface ListedChain {
  readonly index: number
  readonly domainId: string
  readonly fromSeq: number
  readonly toSeq: number
}

/** Returns the array that assets/report.js reads, as JSON; undefined for a row without a context. */
function contextJson(chain: number, row: ReadEntry): string | undefined {
  const { seq, ip, userAgent, metadata, eventTime } = row
  const texts = [
    eventTime === undefined ? '' : wireTime(eventTime),
    ip ?? '',
    userAgent ?? '',
    metadata ?? '',
  ]
  if (texts.every((text) => text === '')) return undefined
  return scriptJson([`${chain}/${seq}`, ...texts.map(shortText)])
}

function shortText(text: string): string {
  const more = text.length - MAX_TEXT
  return more <= 0 ? safeText(text) : `${safeText(text.slice(0, MAX_TEXT))} … (${more} more characters)`
}
