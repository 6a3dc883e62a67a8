import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { MirrorReader } from '../../src/query/mirror-reader.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { A } from '../support/attacks/chains.js'
import { at } from '../support/mirror-attacks/attack.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'

const never = new AbortController().signal
let mirror: MirrorCopy
let store: MirrorStore

beforeAll(async () => {
  mirror = await MirrorCopy.ofChains()
  store = await openMirror(mirror.url)
})
afterAll(() => mirror.drop())

/** Returns a mirror that is being written to: a late object is in no listing, and can be fetched from the n-th attempt on. */
function live(late: Readonly<Record<number, number>>): MirrorStore & { looks: number } {
  const lateAt = new Map(Object.entries(late).map(([seq, looks]) => [at(Number(seq)), looks]))
  const seen = new Map<string, number>()
  return {
    looks: 0,
    url: store.url,
    create: (key, bytes, signal, options) => store.create(key, bytes, signal, options),
    syncNames: (folder, signal) => store.syncNames(folder, signal),
    close: () => undefined,
    async *list(prefix, signal) {
      for await (const listed of store.list(prefix, signal)) if (!lateAt.has(listed.key)) yield listed
    },
    async get(key, maxBytes, signal) {
      const from = lateAt.get(key)
      if (from === undefined) return store.get(key, maxBytes, signal)
      this.looks += 1
      seen.set(key, (seen.get(key) ?? 0) + 1)
      return (seen.get(key) ?? 0) >= from ? store.get(key, maxBytes, signal) : undefined
    },
  }
}

async function verify(from: MirrorStore, segment: { fromSeq?: number; toSeq?: number } = {}) {
  const source = new MirrorSource(from, mirrorCodec, nodeHasher)
  const request = { domainId: A, fromSeq: 1, pins: [], ...segment }
  return verifyChain(source, request, () => undefined, never)
}

describe('a mirror that is being written to', () => {
  it.each([
    ['an object that arrives after the listing', { 5: 1 }],
    ['an object that arrives during the wait', { 5: 2 }],
    ['several objects, in any order', { 4: 3, 5: 2, 7: 1 }],
    ['the first object', { 1: 1 }],
  ])('waits for %s', async (_what, late) => {
    expect(await verify(live(late))).toMatchObject({ ok: true, rows: 8, head: { seq: 8 } })
  })

  it('waits for the last object of a segment', async () => {
    expect(await verify(live({ 5: 2 }), { toSeq: 5 })).toMatchObject({ ok: true, rows: 5, head: { seq: 5 } })
    expect(await verify(live({ 5: 1 }), { fromSeq: 5 })).toMatchObject({ ok: true, rows: 4 })
  })

  it('waits as long for a page of a list, and for all rows, as for a verify', async () => {
    const read = () => new MirrorReader({ store: live({ 4: 3 }), codec: mirrorCodec, signal: never })
    const page = await read().page(A, {}, { after: 0, limit: 200 })
    expect(page.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    const streamed: number[] = []
    for await (const { seq } of read().stream(A, {}, { after: 0 })) streamed.push(seq)
    expect(streamed).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('reports an object that does not arrive as a gap', async () => {
    const result = await verify(live({ 4: 1, 5: 99 }))
    expect(result).toMatchObject({
      ok: false,
      rows: 7,
      findings: [{ code: 'seq_gap', seqFrom: 5, seqTo: 5 }],
    })
  })

  it('limits the wait for a mirror full of holes', async () => {
    const holes = live({ 2: 99, 4: 99, 6: 99 })
    expect((await verify(holes)).findings.map(({ seqFrom }) => seqFrom)).toEqual([2, 4, 6])
    // Three attempts for each of the first two objects; the waiting time is used up after them.
    expect(holes.looks).toBe(7)
  })
})
