import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InputShare } from '../../src/cli/append/input-share.js'
import { tallyText } from '../../src/cli/append/refused.js'
import { interruptedText, progressLine } from '../../src/cli/output/progress-line.js'

const half = `${'#'.repeat(10)}${'-'.repeat(10)}`

describe('progressLine', () => {
  it.each([
    [{ rows: 0 }, 0, '0 rows/s  0 rows  verify x'],
    [{ rows: 1500 }, 3, '500 rows/s  1,500 rows  verify x'],
    [{ rows: 500, total: 1000 }, 1, `${half}   50%  1 s left  500 rows/s  500 of 1,000 rows  verify x`],
    [
      { rows: 1000, total: 1000 },
      2,
      `${'#'.repeat(20)}  100%  0 s left  500 rows/s  1,000 of 1,000 rows  verify x`,
    ],
    [{ rows: 0, total: 1000 }, 2, `${'-'.repeat(20)}    0%  0 rows/s  0 of 1,000 rows  verify x`],
    [
      { rows: 1, total: 10_000 },
      1,
      `${'-'.repeat(20)}    0%  2 h 46 min left  1 rows/s  1 of 10,000 rows  verify x`,
    ],
    [
      { rows: 1200, total: 1000 },
      1,
      `${'#'.repeat(20)}  100%  0 s left  1,200 rows/s  1,200 of 1,000 rows  verify x`,
    ],
    [{ rows: 30, share: 0.5 }, 10, `${half}   50%  10 s left  3 rows/s  30 rows  verify x`],
    [{ rows: 0, total: 0 }, 1, '0 rows/s  0 of 0 rows  verify x'],
  ])('%j after %i s: %s', (progress, seconds, line) => {
    expect(progressLine('verify x', progress, seconds, false)).toBe(line)
  })

  it('draws the bar in blocks where the terminal shows UTF-8', () => {
    const line = progressLine('verify x', { rows: 1, total: 2 }, 1, true)
    expect(line.startsWith(`${'█'.repeat(10)}${'░'.repeat(10)}   50%`)).toBe(true)
  })
})

describe('interruptedText', () => {
  it.each([
    [
      { rows: 12_000, total: 80_000 },
      'answer',
      'verify x: interrupted after 12,000 of 80,000 rows: this is no verdict',
    ],
    [{ rows: 12 }, 'answer', 'verify x: interrupted after 12 rows: this is no verdict'],
    [{ rows: 12 }, 'writing', 'verify x: interrupted after 12 rows'],
  ] as const)('%j, %s', (progress, kind, text) => {
    expect(interruptedText('verify x', progress, kind)).toBe(text)
  })
})

describe('tallyText', () => {
  const tally = {
    rows: 0,
    chains: new Set<string>(),
    hasKeys: false,
    seen: 0,
    entries: 0,
    files: [],
    cut: 0,
    refused: undefined,
  }
  it.each([
    [{ rows: 1, chains: new Set(['a']) }, 'appended 1 row to 1 chain in 1.50 s'],
    [{ rows: 12, chains: new Set(['a', 'b']) }, 'appended 12 rows to 2 chains in 1.50 s'],
    [
      { rows: 2, chains: new Set(['a']), hasKeys: true },
      'appended 2 rows to 1 chain in 1.50 s (rows found again by their key count too)',
    ],
  ])('says what was appended and to how many chains: %j', (part, text) => {
    expect(tallyText({ ...tally, ...part }, 1500)).toBe(text)
  })
})

describe('InputShare', () => {
  it('is the share of bytes over all files, and a file that was read to its end counts whole', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'audit-share-'))
    const [a, b] = [join(dir, 'a'), join(dir, 'b')]
    await writeFile(a, 'x'.repeat(100))
    await writeFile(b, 'x'.repeat(300))
    const share = await InputShare.of([a, b])
    const seen = [share.share]
    for (const step of [
      () => share.add(a, 50),
      () => share.add(a),
      () => share.add(b, 100),
      () => share.add(b),
    ]) {
      step()
      seen.push(share.share)
    }
    await rm(dir, { recursive: true })
    expect(seen).toEqual([0, 0.125, 0.25, 0.5, 1])
  })

  it.each([{ files: [] }, { files: ['/dev/null'] }, { files: ['/nonexistent/file'] }])(
    'is not known without a file that has a size: $files',
    async ({ files }) => {
      expect((await InputShare.of(files)).share).toBeUndefined()
    },
  )
})
