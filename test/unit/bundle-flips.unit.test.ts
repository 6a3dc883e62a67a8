import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { whole } from '../support/bundle-attacks/attack.js'
import { built, gzip, segmentContent } from '../support/bundle-attacks/bundle.js'
import { VERIFIERS } from '../support/bundle-attacks/verifiers.js'

const dir = mkdtempSync(join(tmpdir(), 'flips-'))
afterAll(() => rmSync(dir, { recursive: true }))

const parts = whole()
const bundle = built(parts)
const packed = parts.segments.map((lines) => gzip(segmentContent(lines)))
/** From the header of the first segment on: what stands before it are the manifest and files that are not judged. */
const ROWS_AT = bundle.indexOf(packed[0] ?? '') - 512
/** The last byte of a deflate stream may have bits to spare. */
const SPARE = packed.map((gz) => bundle.indexOf(gz) + gz.length - 9)

it('a bundle with any bit changed, from the rows on, is not intact, and nothing breaks', async () => {
  const places = fc.integer({ min: ROWS_AT, max: bundle.length - 1 }).filter((at) => !SPARE.includes(at))
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const bytes = Buffer.from(bundle)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      const path = join(dir, 'flipped.tar')
      writeFileSync(path, bytes)
      const [said] = (await VERIFIERS.product?.([[path]])) ?? []
      expect([1, 3]).toContain(said?.exit)
    }),
    { numRuns: 400 },
  )
})
