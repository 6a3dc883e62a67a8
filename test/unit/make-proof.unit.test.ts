import { describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { SIGNED_RELATION } from '../../src/chain/log/signed-row.js'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { PROOF_TOOLS } from '../../src/compose/read/proof.js'
import { type MadeProof, makeProof, type ProofOptions } from '../../src/proof/make-proof.js'
import { readProof, verifyProof } from '../../src/proof/verify-proof.js'
import { LogSigner } from '../support/log-signer.js'
import { headOf, MemoryProofSource } from '../support/memory-proof-source.js'
import { definedPath, entryHash, HASHER, hex, TLOG } from '../support/tlog-vectors.js'

const DOMAIN = TLOG.keys.chains[0]?.domain_id ?? ''
const LOG = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(7))
const OTHER = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(9))
const POLICY = `log ${vkeyText(LOG.keyOf({ domainId: DOMAIN, incarnation: 1 }).key)}\nquorum none\n`
const BY_HOME = { by: 'home', keys: [LOG.platform.key] } as const
const BY_LOG = { by: 'log', keys: [] } as const

/** Enough for a tile of level 1 and a right edge at each level. */
const SIZE = 65_536 + 3 * 256 + 5
const LEAVES = Array.from({ length: SIZE }, (_, index) => entryHash(index))
const octets = (text: string) => new TextEncoder().encode(text)

interface Given {
  readonly size?: number
  readonly roots?: readonly (typeof BY_HOME | typeof BY_LOG)[]
  readonly options?: Partial<ProofOptions>
}

/** Returns a signed chain of the first `size` leaves. */
function signed(size: number): MemoryProofSource {
  const source = new MemoryProofSource(DOMAIN, LEAVES.slice(0, size))
  source.sign(LOG)
  return source
}

const LARGE = signed(SIZE)
const TILES = new Map(LARGE.stored)

/** Returns the large chain with all its tiles. */
function large(): MemoryProofSource {
  for (const [name, tile] of TILES) LARGE.stored.set(name, tile)
  LARGE.rowsRead = 0
  LARGE.tilesRead = 0
  return LARGE
}

function prove(seq: number, source: MemoryProofSource, { roots = [BY_LOG], options = {} }: Given = {}) {
  const { prevHash = '', entryHash: hash = '' } = source.hashes[seq - 1] ?? {}
  const row = { domainId: DOMAIN, seq, prevHash, entryHash: hash, canonical: octets('row') }
  return makeProof(
    row,
    { bare: true, ...options },
    { source, roots, treeHasher: HASHER, verify: verifyEd25519 },
  )
}

/** Returns what verify-proof says of a proof that holds no row. */
function judged({ text }: MadeProof, seq: number, policy = POLICY) {
  const read = readProof(octets(text), octets(policy), PROOF_TOOLS)
  return verifyProof(read, { entryHash: hex(LEAVES[seq - 1] as Uint8Array) }, PROOF_TOOLS)
}

describe('the proof of a row', () => {
  it.each([1, 2, 3, 5, 255, 256, 257, 511, 513, 700])('is right for rows of a tree of %i', async (size) => {
    const source = signed(size)
    for (const seq of new Set([1, 2, size - 1, size, Math.ceil(size / 2), Math.min(size, 256)])) {
      if (seq < 1 || seq > size) continue
      const made = await prove(seq, source)
      expect(judged(made, seq)).toMatchObject({ code: 'proven', seq, size })
      const path = definedPath(seq - 1, LEAVES.slice(0, size)).map((hash) =>
        Buffer.from(hash).toString('base64'),
      )
      expect(made.text.split('\n\n')[0]?.split('\n').slice(2)).toEqual(path)
    }
  })

  it('reads tiles, and only the rows that no tile has', async () => {
    const source = large()
    for (const seq of [1, 40_000, 65_536, 65_537, SIZE - 5, SIZE]) {
      source.rowsRead = source.tilesRead = 0
      expect(judged(await prove(seq, source), seq)).toMatchObject({ code: 'proven' })
      expect(source.rowsRead).toBeLessThanOrEqual(5)
      expect(source.tilesRead).toBeLessThanOrEqual(7)
    }
  })

  it.each<[string, (source: MemoryProofSource) => void, number]>([
    ['a tile is missing', ({ stored }) => stored.delete('0/0'), 256],
    ['a tile of level 1 is missing', ({ stored }) => stored.delete('1/0'), 0],
    ['every tile is missing', ({ stored }) => stored.clear(), SIZE],
    ['a tile is too short', ({ stored }) => stored.set('0/0', new Uint8Array(32)), 256],
    ['a tile has other hashes', ({ stored }) => stored.set('0/0', new Uint8Array(8192)), SIZE],
    [
      'a tile of level 1 is another one',
      ({ stored }) => stored.set('1/0', stored.get('0/1') as Uint8Array),
      SIZE,
    ],
  ])('comes from rows where %s', async (_why, change, rows) => {
    const source = large()
    change(source)
    expect(judged(await prove(2, source), 2)).toMatchObject({ code: 'proven' })
    expect(source.rowsRead).toBeLessThanOrEqual(rows + 256)
    expect(source.rowsRead).toBeGreaterThanOrEqual(rows)
  })

  it.each([
    ['the newest signed size', undefined, 700],
    ['the size that was asked for', 600, 600],
  ])('is under %s', async (_what, size, expected) => {
    const source = signed(700)
    source.sign(LOG, 600)
    expect((await prove(3, source, { options: { size } })).size).toBe(expected)
  })

  it('holds the row, unless it is bare', async () => {
    const source = signed(3)
    const [bare, whole] = [await prove(2, source), await prove(2, source, { options: { bare: false } })]
    const row = Buffer.concat([octets('PXA1-row'), LEAVES[0] as Uint8Array, octets('row')]).toString('base64')
    expect(whole.text.replace(`extra ${row}\n`, '')).toBe(bare.text)
  })
})

describe('without tiles', () => {
  it('reads the rows of the subtree alone where the path of the last leaf is known', async () => {
    const source = signed(700)
    source.becomeMirror(LOG)
    for (const [seq, rows] of [
      [1, 511],
      [513, 127],
      [700, 0],
    ] as const) {
      source.rowsRead = 0
      expect(judged(await prove(seq, source), seq)).toMatchObject({ code: 'proven' })
      expect(source.rowsRead).toBeLessThanOrEqual(rows)
    }
  })

  it('is not misled by a path of the last leaf that leads elsewhere', async () => {
    const source = signed(700)
    const { note, last } = headOf(LOG, DOMAIN, LEAVES.slice(0, 700))
    const path = [...(last?.path ?? [])].reverse()
    source.offered.splice(0, 1, { size: 700, head: { note, last: { entryHash: entryHash(699), path } } })
    await expect(prove(1, source)).rejects.toMatchObject({ code: 'not_signed' })
  })
})

describe('a signed head', () => {
  const witness = '— witness.example.net/w2 AAAAAAAAAAAA'

  it.each<[string, (source: MemoryProofSource) => void, Given['roots'], string | number]>([
    ['by the log itself', () => undefined, [BY_LOG], 5],
    ['by the home', () => undefined, [BY_HOME], 5],
    ['by the home, without rows of keys', ({ keys }) => keys.splice(0), [BY_HOME], 'not_signed'],
    [
      'by the log where the home has another log',
      () => undefined,
      [{ ...BY_HOME, keys: [OTHER.platform.key] }, BY_LOG],
      5,
    ],
    ['by another log alone', () => undefined, [{ ...BY_HOME, keys: [OTHER.platform.key] }], 'not_signed'],
    [
      'above one of a foreign key',
      (source) => source.offered.push({ size: 9, head: headOf(OTHER, DOMAIN, LEAVES.slice(0, 9)) }),
      [BY_LOG],
      5,
    ],
    [
      'beside texts that are no notes',
      (source) => source.offered.push({ size: 9, head: { note: 'x' } }, { size: 8, head: { note: '' } }),
      [BY_LOG],
      5,
    ],
    [
      'of another chain under this one',
      (source) =>
        source.offered.splice(0, 9, {
          size: 5,
          head: headOf(LOG, PLATFORM_ANCHOR, LEAVES.slice(0, 5)),
        }),
      [BY_LOG],
      'not_signed',
    ],
    [
      'that another key signed anew under its name',
      (source) => {
        const { note } = source.offered[0]?.head ?? { note: '' }
        source.offered.splice(0, 9, {
          size: 5,
          head: { note: note.replace(/\n([A-Za-z0-9+/=]{44})\n/, `\n${'A'.repeat(43)}=\n`) },
        })
      },
      [BY_LOG],
      'not_signed',
    ],
    [
      'of a smaller size',
      (source) => source.offered.splice(0, 9, { size: 2, head: headOf(LOG, DOMAIN, LEAVES.slice(0, 2)) }),
      [BY_LOG],
      'not_signed',
    ],
    [
      'that claims a larger size',
      (source) => source.offered.splice(0, 9, { size: 9, head: headOf(LOG, DOMAIN, LEAVES.slice(0, 2)) }),
      [BY_LOG],
      'not_signed',
    ],
    ['that is not there', ({ offered }) => offered.splice(0, 9), [BY_LOG], 'not_signed'],
  ])('%s gives %4$s', async (_why, change, roots = [], expected) => {
    const source = signed(5)
    change(source)
    const size = await prove(3, source, { roots }).then(
      (made) => made.size,
      (error: { code: string }) => error.code,
    )
    expect(size).toBe(expected)
  })

  it('counts under a key statement where no platform key is known', async () => {
    const source = signed(5)
    const statement = LOG.row(SIGNED_RELATION.logKey, [
      `log:${LOG.logName}`,
      LOG.keyItem({ domainId: DOMAIN, incarnation: 1 }),
    ])
    source.keys.splice(0, 9, { ...statement, origin: LOG.platform.key.name })
    expect(judged(await prove(3, source), 3)).toMatchObject({ code: 'proven' })
  })

  it('keeps the lines of witnesses, and none that a terminal interprets', async () => {
    const source = signed(5)
    const { note } = source.offered[0]?.head ?? { note: '' }
    source.offered.splice(0, 9, { size: 5, head: { note: `${note}${witness}\n— w\u009b31m AAAAAAAAAAAA\n` } })
    expect((await prove(3, source)).text.endsWith(`\n${witness}\n`)).toBe(true)
  })
})

describe('a copy whose rows are not those that were signed', () => {
  it.each<[string, (source: MemoryProofSource) => void]>([
    ['a row was rewritten', ({ hashes }) => hashes.splice(4, 1, { seq: 5, entryHash: 'a'.repeat(64) })],
    ['a row is missing', ({ hashes }) => hashes.splice(4, 1, undefined)],
    ['a row has no hash', ({ hashes }) => hashes.splice(4, 1, { seq: 5, entryHash: 'x' })],
    [
      'the row itself was rewritten',
      ({ hashes }) => hashes.splice(2, 1, { seq: 3, prevHash: 'b'.repeat(64), entryHash: 'a'.repeat(64) }),
    ],
  ])('gives no proof: %s', async (_why, change) => {
    const source = signed(6)
    change(source)
    await expect(prove(3, source)).rejects.toMatchObject({ code: 'proof_unavailable' })
  })
})

describe('a tree with holes', () => {
  const HOLE = new Uint8Array(32)
  const DATA = LEAVES.slice(0, 8).map((leaf, at) => (at === 2 || at === 3 ? HOLE : leaf))
  const over = (signer: LogSigner, rows = 'rows:3-5') =>
    signer.row(SIGNED_RELATION.signedOver, [`chain:${DOMAIN}:1`, rows, 'reason:test'])

  /** Rows 3 to 5 were signed over. Row 6 links to what row 5 was. */
  function holed(isIndexed = true): MemoryProofSource {
    const source = new MemoryProofSource(DOMAIN, DATA)
    source.isIndexed = isIndexed
    source.sign(LOG)
    source.signedOver.push(over(LOG))
    for (const at of [2, 3, 4]) source.hashes[at] = undefined
    return source
  }

  it.each([
    [1, 'proven'],
    [2, 'proven'],
    [3, 'not_signed'],
    [4, 'not_signed'],
    [5, 'not_signed'],
    [6, 'proven'],
    [8, 'proven'],
  ])('proves the rows outside of them: row %i is %s', async (seq, expected) => {
    for (const source of [holed(true), holed(false)]) {
      const code = await prove(seq, source).then(
        (made) => judged(made, seq).code,
        (error: { code: string }) => error.code,
      )
      expect(code).toBe(expected)
    }
  })

  it.each<[string, (source: MemoryProofSource) => void]>([
    ['that nobody signed', ({ signedOver }) => signedOver.splice(0, 9)],
    ['that a foreign key signed', ({ signedOver }) => signedOver.splice(0, 9, over(OTHER))],
    ['at other rows', ({ signedOver }) => signedOver.splice(0, 9, over(LOG, 'rows:3-4'))],
  ])('has no proof with holes %s', async (_why, change) => {
    const source = holed()
    change(source)
    await expect(prove(1, source)).rejects.toMatchObject({ code: 'proof_unavailable' })
  })

  it('takes no row away that a foreign key signs over', async () => {
    const source = signed(8)
    source.signedOver.push(over(OTHER))
    expect(judged(await prove(3, source), 3)).toMatchObject({ code: 'proven' })
  })
})
