import { rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { rowsOf } from '../support/postgres.js'
import { signedProblems } from '../support/signed-problems.js'
import { SigningFixture } from '../support/signing-fixture.js'

let log: SigningFixture
const logs: SigningFixture[] = []
beforeEach(async () => {
  log = await SigningFixture.make()
  logs.push(log)
})
afterAll(() => Promise.all(logs.map((one) => one.drop())))

const byId = (a: { domainId: string }, b: { domainId: string }) => (a.domainId < b.domainId ? -1 : 1)

describe('a pass', () => {
  it('enrols the chains of a new log and signs them, and the next one finds nothing to do', async () => {
    const [one, other] = [await log.domain(5), await log.domain(1)]
    const signer = log.signer()
    const results = await signer.once()
    const expected = [
      { domainId: one, size: 5, rows: 5 },
      { domainId: other, size: 1, rows: 1 },
      // Its own first row, two creations, one row with the keys, and one with the heads.
      { domainId: PLATFORM_ANCHOR, size: 5, rows: 5 },
    ]
    expect([...results].sort(byId)).toEqual(expected.sort(byId))
    expect(await signer.once()).toEqual([])
    expect(await signer.once({}, false)).toEqual([])
    expect(await log.log.unstamped(PLATFORM_ANCHOR)).toEqual([])
    expect(await signedProblems(log)).toEqual([])
    expect(signer.drained).toEqual([PLATFORM_ANCHOR])
  })

  it('keeps one checkpoint for each chain and pass, and one key statement', async () => {
    const domainId = await log.domain(3)
    const signer = log.signer()
    await signer.once()
    await log.append(domainId, 2)
    expect(await signer.once({}, false)).toEqual([
      { domainId, size: 5, rows: 2 },
      { domainId: PLATFORM_ANCHOR, size: 5, rows: 1 },
    ])
    await log.append(domainId, 2)
    await signer.once()
    const sizes = async (id: string) => (await log.kept(id)).map((name) => Number(name.slice(0, 20)))
    expect(await sizes(domainId)).toEqual([3, 5, 7])
    expect(await sizes(PLATFORM_ANCHOR)).toEqual([4, 5, 6])
    expect(await log.kept(domainId, 'keys')).toHaveLength(1)
    expect(await log.kept(PLATFORM_ANCHOR, 'keys')).toHaveLength(1)
    expect(await log.indexed(domainId)).toEqual([
      { size: 3, row: 4 },
      { size: 5, row: 5 },
      { size: 7, row: 6 },
    ])
    expect(await signedProblems(log)).toEqual([])
  })

  it('names the newest head of the platform chain of an earlier pass', async () => {
    const domainId = await log.domain(1)
    const signer = log.signer()
    for (let pass = 0; pass < 3; pass += 1) {
      await log.append(domainId, 1)
      await signer.once({}, pass === 1)
    }
    const rows = await log.signedRows('audit.checkpoint')
    const sizes = rows.map(({ items }) =>
      items.filter((item) => item.startsWith(`head:${PLATFORM_ANCHOR}`)).map((item) => item.split(':')[3]),
    )
    expect(sizes).toEqual([[], ['4'], ['5']])
  })

  it('enrols a chain that is created later', async () => {
    await log.domain(1)
    const signer = log.signer()
    await signer.once()
    const later = await log.domain(2)
    const results = await signer.once({}, false)
    expect(results).toContainEqual({ domainId: later, size: 2, rows: 2 })
    expect(await log.signedRows('audit.log-key')).toHaveLength(2)
    expect(await signedProblems(log)).toEqual([])
  })

  it('does not write the first key of a log unless it may', async () => {
    await log.domain(2)
    const signer = log.signer()
    const off = [{ domainId: PLATFORM_ANCHOR, size: 0, rows: 0, reason: 'not_initialised' }]
    expect(await signer.once({ mayBegin: false })).toEqual(off)
    expect(await signer.once({ mayBegin: false }, false)).toEqual(off)
    expect(await log.signedRows('audit.log-key')).toEqual([])
    expect(await log.kept(PLATFORM_ANCHOR)).toEqual([])
    await signer.once()
    expect(await signedProblems(log)).toEqual([])
  })

  it('signs only what was asked for, and the platform chain', async () => {
    const [one] = [await log.domain(2), await log.domain(2)]
    const signer = log.signer()
    const results = await signer.once({ only: new Set([one]) })
    expect(results.map(({ domainId }) => domainId).sort()).toEqual([one, PLATFORM_ANCHOR].sort())
    const rest = await signer.once({ only: new Set([PLATFORM_ANCHOR]) })
    expect(rest).toEqual([])
  })

  it('leaves a chain that is too long to `log init`', async () => {
    const domainId = await log.domain(9)
    const signer = log.signer()
    const results = await signer.once({ maxRows: 8 })
    expect(results).toContainEqual({ domainId, size: 0, rows: 0, reason: 'too_long' })
    expect(await signer.once({ maxRows: 8 }, false)).toContainEqual({
      domainId,
      size: 0,
      rows: 0,
      reason: 'too_long',
    })
    const progress: number[] = []
    const init = await signer.once({ maxRows: 100, onProgress: (_, { rows }) => progress.push(rows) })
    expect(init).toContainEqual({ domainId, size: 9, rows: 9 })
    expect(progress.at(-1)).toBe(9)
  })

  it('signs a chain in steps of tiles that it stores', async () => {
    const domainId = await log.domain(1)
    const signer = log.signer()
    for (const rows of [100, 200, 300, 11]) {
      await log.append(domainId, rows)
      await signer.once({}, rows === 300)
    }
    const tiles = await rowsOf(
      log.url,
      'SELECT level, tile_index::int AS index FROM audit_tlog_tile ORDER BY 1, 2',
    )
    expect(tiles).toEqual([
      { level: 0, index: 0 },
      { level: 0, index: 1 },
    ])
    expect(await signedProblems(log)).toEqual([])
  })
})

describe('a foreign object', () => {
  it('at the name of a kept checkpoint or a key statement is skipped', async () => {
    const domainId = await log.domain(2)
    const signer = log.signer()
    await signer.once()
    const [name = ''] = await log.kept(domainId)
    const [statement = ''] = await log.kept(domainId, 'keys')
    const other = await SigningFixture.make()
    logs.push(other)
    await rm(log.tlogPath(domainId, 'checkpoints', name))
    await writeFile(log.tlogPath(domainId, 'checkpoints', name), 'not ours')
    await writeFile(log.tlogPath(domainId, 'keys', statement), 'not ours')
    await log.append(domainId, 1)
    expect(await signer.once({}, true)).toContainEqual({ domainId, size: 3, rows: 1 })
    expect(await signedProblems(log)).toEqual([])
  })
})

describe('a mirror that lacks what was signed', () => {
  const lose = async (domainId: string, kind: 'checkpoints' | 'keys') => {
    for (const name of await log.kept(domainId, kind)) await rm(log.tlogPath(domainId, kind, name))
  }

  it.each([
    ['all of it', ['checkpoints', 'keys']],
    ['the key statement', ['keys']],
    ['the checkpoints', ['checkpoints']],
  ] as const)('gets it again at a start, although no row is new: %s', async (_what, kinds) => {
    const domainId = await log.domain(3)
    const signer = log.signer()
    await signer.once()
    for (const id of [domainId, PLATFORM_ANCHOR]) for (const kind of kinds) await lose(id, kind)
    expect(await signer.once({}, false)).toEqual([])
    for (const kind of kinds) expect(await log.kept(domainId, kind)).toEqual([])
    expect(await signer.once()).toEqual([])
    for (const id of [domainId, PLATFORM_ANCHOR])
      expect([(await log.kept(id)).length, (await log.kept(id, 'keys')).length]).toEqual([1, 1])
    expect(await signedProblems(log)).toEqual([])
  })

  it('gets no checkpoint before the rows, and nothing fails while it cannot be written', async () => {
    const domainId = await log.domain(3)
    await log.signer().once()
    await lose(domainId, 'checkpoints')
    const down = async () => {
      throw new AuditError('mirror_unavailable', 'the mirror is down')
    }
    expect(await log.signer({ deps: { mirrorOf: down } }).pass()).toEqual([])
    await rm(log.log.pathOf(domainId, 3))
    expect(await log.signer().pass()).toEqual([])
    expect(await log.kept(domainId)).toEqual([])
  })
})
