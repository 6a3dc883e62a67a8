import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { ROWS } from '../support/bundle-attacks/attack.js'
import { built, gzip, partsOf, segmentContent } from '../support/bundle-attacks/bundle.js'
import { VERIFIERS } from '../support/bundle-attacks/verifiers.js'

const dir = mkdtempSync(join(tmpdir(), 'flips-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** One row in each segment, and more segments than a reader opens ahead. */
const parts = partsOf({ rows: ROWS, perSegment: 1 })
const bundle = built(parts)
const packed = parts.segments.map((lines) => gzip(segmentContent(lines)))
/** The header of the first segment. Before it come the manifest and the files that are not judged. */
const ROWS_AT = bundle.indexOf(packed[0] ?? '') - 512
const SEGMENTS = packed.map((gz) => ({ at: bundle.indexOf(gz), length: gz.length }))

/**
 * One content has many deflate streams: unused bits in the last byte, or a copy from another place with the same bytes. The
 * manifest's hashes are of the contents, so a file that holds the same rows is intact.
 */
function saysTheSame(bytes: Buffer): boolean {
  return SEGMENTS.every(({ at, length }, i) => {
    try {
      return gunzipSync(bytes.subarray(at, at + length)).equals(gunzipSync(packed[i] ?? Buffer.alloc(0)))
    } catch {
      return false
    }
  })
}

it('does not accept a bundle with a changed bit in its segments, unless the content is the same', async () => {
  const places = fc.integer({ min: ROWS_AT, max: bundle.length - 1 })
  const inSegment = (place: number) => SEGMENTS.some(({ at, length }) => place >= at && place < at + length)
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const bytes = Buffer.from(bundle)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      const path = join(dir, 'flipped.tar')
      writeFileSync(path, bytes)
      const [said] = (await VERIFIERS.product?.([[path]])) ?? []
      // A badly copied file could not be checked, and is no finding.
      expect(inSegment(at) && saysTheSame(bytes) ? [0, 3] : [3], said?.stderr).toContain(said?.exit)
    }),
    { numRuns: 400 },
  )
})
