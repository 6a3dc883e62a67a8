import { mirrorFailure } from '../../base/store-failure.js'
import { summed } from '../../chain/log/foreign-rows.js'
import { KeyBook, type KeyRoot } from '../../chain/log/key-book.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type {
  NamedHead,
  StatedHead,
  StatedHeads,
  StatementRows,
  StatementStore,
} from '../../ports/log/heads.js'
import type { MirrorStore } from '../../ports/mirror.js'
import { type CosignedFile, readCosigned } from './cosigned-files.js'
import { type KeptHeads, type KeptTools, readKept, readStatements } from './kept-heads.js'
import { indexedRoot, noteSigners, signedOverRows } from './note-signers.js'
import { foreignRows, type HeadOfRow, NewestHeads, RowHeads } from './row-heads.js'

export interface HeadReaderDeps {
  readonly root: KeyRoot
  readonly tools: KeptTools
  /** The signed rows in PostgreSQL; absent where no database is read. */
  readonly statements?: StatementStore | undefined
  /** Returns the mirror of a chain; undefined where the run reads none. */
  readonly mirrorOf?: ((domainId: string) => Promise<MirrorStore | undefined>) | undefined
}

const NO_ROWS: StatementRows = { rows: [], others: [] }
const NOTHING_KEPT: KeptHeads = { unknownKeys: new Map(), foreignObjects: 0 }

/**
 * Reads the signed heads of chains before their rows (tlog.md, section 8). A head that is signed later is for the next run, so that a
 * run beside writers and a signer finds nothing.
 */
export class HeadReader {
  readonly #deps: HeadReaderDeps
  /** The one chain of the run; undefined for all. */
  readonly #only: string | undefined
  #read: StatementRows
  #known: readonly LogRow[] = []
  /** The book of the rows, and their heads, until more rows come. */
  #judged: { readonly book: KeyBook; readonly heads: RowHeads } | undefined

  /** The largest notes of the platform chain in the index. */
  #notes: readonly string[] = []
  /** The rows with the newest heads, and the last row of the platform chain that was looked at. */
  #seen: { readonly rows: readonly LogRow[]; readonly through: number } = { rows: [], through: 0 }

  private constructor(deps: HeadReaderDeps, read: StatementRows, only: string | undefined) {
    this.#deps = deps
    this.#only = only
    this.#read = read
  }

  /**
   * Reads the signed rows about one chain or about all. `before`: an earlier reader of all chains, whose rows are not looked through
   * again.
   */
  static async open(deps: HeadReaderDeps, chain: string, before?: HeadReader): Promise<HeadReader> {
    const { statements } = deps
    const only = chain === 'all' ? undefined : chain
    if (statements === undefined) return new HeadReader(deps, NO_ROWS, only)
    const read = only === undefined ? await statements.ofAll() : await statements.ofChain(only)
    const reader = new HeadReader(deps, read, only)
    await reader.#findNewest(statements, before)
    if (only === undefined || only === PLATFORM_ANCHOR) reader.#notes = await statements.platformNotes()
    return reader
  }

  /** Adds the rows with the newest heads that lie before those that were read. */
  async #findNewest(statements: StatementStore, before: HeadReader | undefined): Promise<void> {
    const { book } = this.#ofRows
    // Without a key of the log, no row counts.
    if (book.platformOrigin === undefined) return
    const newest = new NewestHeads(book, this.#only)
    const seen = before === undefined ? { rows: [], through: 0 } : before.#seen
    newest.take([...seen.rows, ...this.#read.rows])
    const above = this.#only === undefined ? seen.through : this.#searchedAbove(this.#only, newest)
    const { headsFrom = Number.MAX_SAFE_INTEGER } = this.#read
    if (above + 1 < headsFrom)
      await statements.headsNewestFirst(this.#only, { above, below: headsFrom }, (rows) => newest.take(rows))
    const through = this.#read.rows.reduce((last, { seq = 0 }) => Math.max(last, seq), seen.through)
    this.#seen = { rows: newest.rows, through }
    const known = new Set(this.#read.rows)
    const more = newest.rows.filter((row) => !known.has(row))
    if (more.length > 0) this.add(more)
  }

  /**
   * Returns the seq after which the newest head of one chain lies. The index names a row near it, which counts once its signature was
   * checked. Where it names none, the head lies after the row that names the key of the chain. The platform chain has a head in nearly
   * each row.
   */
  #searchedAbove(domainId: string, newest: NewestHeads): number {
    const { book, heads } = this.#ofRows
    const isHead = (one: NamedHead) => (head: HeadOfRow) =>
      head.row.seq === one.seq && head.size === one.size && head.signer() !== undefined
    const named = (this.#read.named ?? []).find((one) => heads.of(domainId).some(isHead(one)))
    if (named !== undefined) return named.seq
    if (domainId === PLATFORM_ANCHOR && newest.sizeOf(domainId) !== undefined) return Number.MAX_SAFE_INTEGER
    return book.firstNamed({ domainId, incarnation: 1 }) ?? 0
  }

  /** Whether the rows were read that say which rows are signed over. */
  get #hasRows(): boolean {
    const { rows, areHolesKnown = true } = this.#read
    return areHolesKnown && (this.#deps.statements !== undefined || rows.length > 0)
  }

  /** Takes key statements that the command names. They say which keys a chain has, and nothing about its rows. */
  know(statements: readonly LogRow[]): void {
    this.#known = [...this.#known, ...statements]
    this.#judged = undefined
  }

  /** Takes signed rows that were read elsewhere: those of the platform chain in the mirror. */
  add(rows: readonly LogRow[]): void {
    this.#read = { ...this.#read, rows: [...this.#read.rows, ...rows] }
    this.#judged = undefined
  }

  /** Returns the kept checkpoints of a chain in its mirror with the lines of witnesses; none where the run reads no mirror. */
  async cosignedFiles(domainId: string, signal: AbortSignal): Promise<readonly CosignedFile[]> {
    const store = await this.#deps.mirrorOf?.(domainId)
    return store === undefined ? [] : orNone(readCosigned(store, domainId, this.#deps.tools, signal), [])
  }

  /** Returns the heads of a chain. Its mirror is read now, so call it right before the rows of the chain are read. */
  async of(domainId: string, signal: AbortSignal): Promise<StatedHeads> {
    const { book: rowBook, heads: rowHeads } = this.#ofRows
    const store = await this.#deps.mirrorOf?.(domainId)
    if (store === undefined) return this.#stated(domainId, rowBook, rowHeads)
    const stated = await this.#inMirror(store, domainId, signal)
    const book = stated.length === 0 ? rowBook : rowBook.with(stated)
    const heads = book.hasPlatformOf(rowBook) ? rowHeads : new RowHeads(book, this.#read.rows, this.#only)
    const { tools } = this.#deps
    const known = heads.sizeOf(domainId)
    const kept = await orNone(readKept(store, domainId, known, book, tools, signal), NOTHING_KEPT)
    return this.#stated(domainId, book, heads, kept)
  }

  /** Reads key statements. Without a policy and a home, the one of the platform chain says which key is the log's. */
  async #inMirror(store: MirrorStore, domainId: string, signal: AbortSignal): Promise<LogRow[]> {
    const isByLog = this.#deps.root.by === 'log' && this.#ofRows.book.platformOrigin === undefined
    const chains = isByLog ? new Set([domainId, PLATFORM_ANCHOR]) : [domainId]
    const rows: LogRow[] = []
    for (const chain of chains) rows.push(...(await orNone(readStatements(store, chain, signal), [])))
    return rows
  }

  #stated(domainId: string, book: KeyBook, rows: RowHeads, kept?: KeptHeads): StatedHeads {
    const ofRows = rows.of(domainId)
    const { statements, tools } = this.#deps
    const heads = kept?.head === undefined ? ofRows : [...ofRows, kept.head]
    // The rows are hashed again for a root alone, so it is used only until another head is there.
    const isOfIndex = domainId === PLATFORM_ANCHOR && this.#notes.length > 0
    const indexed =
      isOfIndex && !heads.some((head) => head.signer() !== undefined)
        ? indexedRoot(this.#notes, book, tools)
        : undefined
    return {
      heads,
      ...(indexed !== undefined && { indexed }),
      unknownKeys: () => summed(rows.unknownKeys(domainId), kept?.unknownKeys ?? new Map()),
      foreignRows: () => foreignRows(book, this.#read.others),
      signersOf: (note) => noteSigners(note, book, tools.witnesses ?? [], tools.verify),
      signedOver: () => (this.#hasRows ? signedOverRows(domainId, this.#read.rows, book) : undefined),
      ...(kept !== undefined && { foreignObjects: kept.foreignObjects }),
      ...(statements !== undefined && {
        between: (after, before) => this.#between(statements, domainId, after, before),
      }),
    }
  }

  async #between(
    statements: StatementStore,
    domainId: string,
    after: StatedHead | undefined,
    before: StatedHead,
  ): Promise<readonly StatedHead[]> {
    const holding = after?.place.kind === 'row' ? after.place.seq : 1
    const to = before.place.kind === 'row' ? before.place.seq : Number.MAX_SAFE_INTEGER
    // The row of the smaller head may be a copy that somebody appended later.
    const rows = await statements.headsBetween(domainId, { from: holding < to ? holding : 1, to })
    return new RowHeads(this.#ofRows.book.with(rows), rows, domainId).of(domainId)
  }

  get #ofRows(): { readonly book: KeyBook; readonly heads: RowHeads } {
    if (this.#judged === undefined) {
      const { root, tools } = this.#deps
      const book = KeyBook.of(root, [...this.#read.rows, ...this.#known], tools.verify)
      this.#judged = { book, heads: new RowHeads(book, this.#read.rows, this.#only) }
    }
    return this.#judged
  }
}

/** A mirror that cannot be read states nothing here. The scan of its rows reports that. */
async function orNone<T>(read: Promise<T>, none: T): Promise<T> {
  try {
    return await read
  } catch (error) {
    if (mirrorFailure(error) === undefined) throw error
    return none
  }
}
