import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { KeyBook } from '../../src/chain/log/key-book.js'
import { type KeyStatement, parseKeyStatement } from '../../src/chain/log/key-statement.js'
import { parseLeafExtra } from '../../src/chain/log/leaf-extra.js'
import { checkpointKey } from '../../src/chain/log/object-keys.js'
import { parseOrigin } from '../../src/chain/log/origin.js'
import { SIGNED_RELATION } from '../../src/chain/log/signed-row.js'
import { parseCheckpoint } from '../../src/chain/note/checkpoint.js'
import { type Note, parseNote } from '../../src/chain/note/note.js'
import { signersOf } from '../../src/chain/note/signers.js'
import { parseTlogProof } from '../../src/chain/note/tlog-proof.js'
import { rootOf } from '../../src/chain/tree/inclusion.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { rowsOf } from './postgres.js'
import type { SigningFixture } from './signing-fixture.js'
import { definedRoot, HASHER, hex, unhex } from './tlog-vectors.js'

interface Row {
  readonly seq: number
  readonly prev: string
  readonly entry: string
}

const HEAD = /^head:([0-9a-f-]{36}):1:(\d+):([0-9a-f]{64}):([0-9a-f]{64})$/

/**
 * Checks all that a log shows of its signatures against its rows, by code that shares nothing with the signer but the parsers:
 * signed rows, kept checkpoints, key statements, the index and the tiles. Returns what is wrong.
 */
export async function signedProblems(fixture: SigningFixture): Promise<string[]> {
  const ids = await rowsOf(
    fixture.url,
    'SELECT DISTINCT domain_id::text AS id FROM audit_log_entry ORDER BY 1',
  )
  const problems: string[] = []
  const book = await bookOf(fixture)
  for (const { id } of ids) problems.push(...(await problemsOf(fixture, String(id), book)))
  return problems
}

async function bookOf(fixture: SigningFixture): Promise<KeyBook> {
  const rows = []
  for (const relation of Object.values(SIGNED_RELATION))
    for (const { seq, items } of await fixture.signedRows(relation))
      rows.push({ seq, relation, object: 'platform:platform', relationPath: items })
  return KeyBook.of({ by: 'log', keys: [] }, rows, verifyEd25519)
}

async function problemsOf(fixture: SigningFixture, domainId: string, book: KeyBook): Promise<string[]> {
  const sql = `SELECT seq::int, encode(prev_hash, 'hex') AS prev, encode(entry_hash, 'hex') AS entry
    FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq`
  const rows = (await rowsOf(fixture.url, sql, [domainId])) as unknown as Row[]
  const check = new ChainCheck(domainId, rows, await rangesOf(fixture, domainId), book)
  for (const name of await fixture.kept(domainId)) check.kept(name, await fixture.readKept(domainId, name))
  for (const name of await fixture.kept(domainId, 'keys'))
    check.statement(name, await readFile(fixture.tlogPath(domainId, 'keys', name), 'utf8'))
  for (const { items } of await fixture.signedRows(SIGNED_RELATION.checkpoint)) check.signedRow(items)
  for (const row of await indexOf(fixture, domainId)) check.indexed(row)
  return [...check.problems, ...(await tileProblems(fixture, domainId, check.leaves))]
}

interface IndexRow {
  readonly size: number
  readonly root: string
  readonly entry: string
  readonly note: string
}

async function indexOf(fixture: SigningFixture, domainId: string): Promise<IndexRow[]> {
  const index = `SELECT size::int, encode(root, 'hex') AS root, encode(entry_hash, 'hex') AS entry, note
    FROM audit_checkpoint WHERE domain_id = $1`
  return (await rowsOf(fixture.url, index, [domainId])) as unknown as IndexRow[]
}

class ChainCheck {
  readonly problems: string[] = []
  readonly leaves: readonly Uint8Array[]

  constructor(
    readonly domainId: string,
    readonly rows: readonly Row[],
    ranges: readonly (readonly [number, number])[],
    readonly book: KeyBook,
  ) {
    this.leaves = leavesOf(rows, ranges)
  }

  kept(name: string, text: string): void {
    const proof = parseTlogProof(text)
    const extra = proof?.extra && parseLeafExtra(proof.extra)
    // The content of a foreign object.
    if (proof === undefined || extra === undefined || extra === 'malformed' || extra.kind !== 'leaf') return
    const { size, root } = proof.checkpoint
    const leafHash = HASHER.leaf(extra.entryHash)
    const reached = rootOf({ leafHash, index: proof.index, size, path: proof.path }, HASHER)
    this.#judge(name, { size, root: hex(root), entry: hex(extra.entryHash) })
    this.#note(name, proof.note, size)
    if (hex(reached ?? new Uint8Array()) !== hex(root)) this.#add(name, 'the path')
    if (!checkpointKey(this.domainId, size, proof.note.body).endsWith(name)) this.#add(name, 'the name')
  }

  statement(name: string, text: string): void {
    const statement = parseKeyStatement(text)
    if (statement === undefined) return
    if (!this.#isSigned(statement)) this.#add(name, 'the signature')
    if (name !== `${hash('sha256', text, 'hex').slice(0, 16)}.json`) this.#add(name, 'the name')
  }

  signedRow(items: readonly string[]): void {
    for (const item of items) {
      const [, id, size = '', root = '', entry = ''] = HEAD.exec(item) ?? []
      if (id === this.domainId) this.#judge('a signed row', { size: Number(size), root, entry })
    }
  }

  indexed({ note, ...head }: IndexRow): void {
    this.#judge('the index', head)
    this.#note('the index', parseNote(note), head.size)
  }

  /** Returns whether a statement is signed by the platform key of the book. */
  #isSigned(statement: KeyStatement): boolean {
    const keys = this.book.rangesOf({ domainId: PLATFORM_ANCHOR, incarnation: 1 }).map(({ key }) => key)
    const alone = KeyBook.of({ by: 'home', keys }, [statement], verifyEd25519)
    return alone.signerOf(statement) !== undefined
  }

  #judge(what: string, { size, root, entry }: Omit<IndexRow, 'note'>): void {
    const isRoot = size <= this.leaves.length && root === hex(definedRoot(this.leaves.slice(0, size)))
    if (!isRoot) this.#add(what, `the root of size ${size}`)
    if (entry !== this.rows.find(({ seq }) => seq === size)?.entry)
      this.#add(what, `the entry_hash of row ${size}`)
  }

  #note(what: string, note: Note | undefined, size: number): void {
    const keys = this.book.rangesOf({ domainId: this.domainId, incarnation: 1 }).map(({ key }) => key)
    const checkpoint = note && parseCheckpoint(note.body)
    const isOwn =
      parseOrigin(checkpoint?.origin ?? '')?.domainId === this.domainId && checkpoint?.size === size
    const isSigned = note !== undefined && signersOf(note, keys, verifyEd25519)?.known.size === 1
    if (!isOwn || !isSigned) this.#add(what, `the note of size ${size}`)
  }

  #add(what: string, problem: string): void {
    this.problems.push(`${this.domainId} ${what}: ${problem}`)
  }
}

/** Returns the data of the leaves, by the definition of holes. */
function leavesOf(rows: readonly Row[], ranges: readonly (readonly [number, number])[]): Uint8Array[] {
  const bySeq = new Map(rows.map((row) => [row.seq, row]))
  const inHole = (seq: number) => ranges.some(([from, to]) => seq >= from && seq <= to)
  const end = rows.at(-1)?.seq ?? 0
  return Array.from({ length: end }, (_, index) => {
    const seq = index + 1
    if (!inHole(seq)) return unhex(bySeq.get(seq)?.entry ?? '')
    return inHole(seq + 1) ? new Uint8Array(32) : unhex(bySeq.get(seq + 1)?.prev ?? '00'.repeat(32))
  })
}

async function rangesOf(fixture: SigningFixture, domainId: string) {
  const rows = await fixture.signedRows(SIGNED_RELATION.signedOver)
  return rows
    .filter(({ items }) => items[0] === `chain:${domainId}:1`)
    .flatMap(({ items }) => items.filter((item) => item.startsWith('rows:')))
    .map((item) => item.slice(5).split('-').map(Number) as [number, number])
}

async function tileProblems(
  fixture: SigningFixture,
  domainId: string,
  leaves: readonly Uint8Array[],
): Promise<string[]> {
  const sql = `SELECT level, tile_index::int AS index, encode(hashes, 'hex') AS hashes FROM audit_tlog_tile WHERE domain_id = $1`
  return (await rowsOf(fixture.url, sql, [domainId])).flatMap(({ level, index, hashes }) => {
    const width = 256 ** Number(level)
    const first = Number(index) * 256
    const expected = Array.from({ length: 256 }, (_, at) =>
      hex(definedRoot(leaves.slice((first + at) * width, (first + at + 1) * width))),
    )
    return expected.join('') === hashes ? [] : [`${domainId} tile ${level}/${index}`]
  })
}
