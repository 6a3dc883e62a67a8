import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { openMirror } from '../../src/mirror/open.js'
import { MirrorSource } from '../../src/verify/mirror-source.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { A, a, rehashed } from '../support/attacks/chains.js'
import { at } from '../support/mirror-attacks/attack.js'
import { MirrorCopy } from '../support/mirror-attacks/mirror-copy.js'

const never = new AbortController().signal
const MOST = Number.MAX_SAFE_INTEGER
const planted = rehashed({ ...a(8), seq: MOST, prevHash: 'f'.repeat(64) })
let honest: MirrorCopy

beforeAll(async () => {
  honest = await MirrorCopy.ofChains()
})
afterAll(() => honest.drop())

async function verifyWith(
  damage: (mirror: MirrorCopy) => Promise<unknown>,
  pins: readonly { seq: number; hash: string }[] = [],
) {
  const mirror = await honest.copied()
  try {
    await damage(mirror)
    const store = await openMirror(mirror.url)
    const source = new MirrorSource(store, mirrorCodec, nodeHasher, { patience: 0 })
    const request = { domainId: A, fromSeq: 1, pins }
    return await verifyChain(source, request, () => undefined, never)
  } finally {
    await mirror.drop()
  }
}

describe('an object far beyond the chain', () => {
  it.each([
    ['junk', (mirror: MirrorCopy) => mirror.put(at(MOST), Buffer.from('junk'))],
    ['an object with a correct hash', (mirror: MirrorCopy) => mirror.write(planted)],
  ])('does not move the end of the chain: %s', async (_what, damage) => {
    const head = { seq: 8, hash: a(8).entryHash }
    expect(await verifyWith(damage)).toMatchObject({ ok: false, segmentTo: 8, rows: 8, head })
  })

  it('counts as a row if it is pinned', async () => {
    const pins = [{ seq: MOST, hash: planted.entryHash }]
    const { findings, segmentTo } = await verifyWith((mirror) => mirror.write(planted), pins)
    expect([segmentTo, findings.map(({ code }) => code)]).toEqual([MOST, ['seq_gap']])
  })

  it('is an orphan in a mirror without other objects', async () => {
    const damage = async (mirror: MirrorCopy) => {
      await mirror.remove(`audit/${A}`)
      await mirror.write(planted)
    }
    const { findings, segmentTo, rows } = await verifyWith(damage)
    expect([segmentTo, rows, findings.map(({ code }) => code)]).toEqual([0, 0, ['orphan_object']])
  })
})
