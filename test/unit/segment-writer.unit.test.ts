import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { BUNDLE_LIMITS, segmentName } from '../../src/bundle/bundle-format.js'
import { lineLength } from '../../src/bundle/line-writer.js'
import { SegmentWriter, type TakeSegment } from '../../src/bundle/segment-writer.js'
import type { ByteRow } from '../../src/chain/fast-path.js'

const SEGMENTS = 6

/** Returns a writer with so many segments in progress that the caller should drain it. */
function ahead(take: TakeSegment): SegmentWriter {
  const writer = new SegmentWriter(take)
  const canonical = randomBytes(60_000)
  const rowOf = (seq: number): ByteRow => {
    return { seq, canonical, bytes: canonical, prevAt: 0, entryAt: 32, stored: () => ({ seq, canonical }) }
  }
  const perSegment = Math.floor(BUNDLE_LIMITS.segmentBytes / lineLength(rowOf(99), '99'))
  for (let seq = 1; seq <= perSegment * (SEGMENTS - 1) + 1; seq += 1) writer.add(rowOf(seq))
  expect(writer.isAhead).toBe(true)
  return writer
}

it('passes segments on one after the other when the last row comes during a drain', async () => {
  const seen: string[] = []
  const writer = ahead(async (name) => {
    seen.push(`${name} begun`)
    await sleep(20)
    seen.push(`${name} done`)
  })
  const draining = writer.drain()
  await writer.finish()
  const names = Array.from({ length: SEGMENTS }, (_, i) => segmentName(i + 1))
  expect(seen).toEqual(names.flatMap((name) => [`${name} begun`, `${name} done`]))
  await draining
})

it('does not finish without a segment that could not be passed on', async () => {
  const writer = ahead(async (name) => {
    await sleep(20)
    if (name === segmentName(1)) throw new Error('no space')
  })
  const draining = writer.drain().catch(() => undefined)
  await expect(writer.finish()).rejects.toThrow('no space')
  await draining
})
