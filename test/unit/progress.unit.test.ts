import { expect, it } from 'vitest'
import { progressLine } from '../../src/cli/output/progress.js'

it.each([
  [{ rows: 0 }, 0, 'reading 0 rows, 0 rows/s'],
  [{ rows: 1500 }, 3, 'reading 1,500 rows, 500 rows/s'],
  [{ rows: 250, total: 1000 }, 1, 'reading 250 of 1,000 rows, 25%, 250 rows/s, 3 s left'],
  [{ rows: 1000, total: 1000 }, 2, 'reading 1,000 of 1,000 rows, 100%, 500 rows/s, 0 s left'],
  [{ rows: 10, total: 1000 }, 10, 'reading 10 of 1,000 rows, 1%, 1 rows/s, 16 min 30 s left'],
  [{ rows: 1, total: 10_000 }, 1, 'reading 1 of 10,000 rows, 0%, 1 rows/s, 2 h 46 min left'],
  [{ rows: 1200, total: 1000 }, 1, 'reading 1,200 of 1,000 rows, 100%, 1,200 rows/s, 0 s left'],
])('%j after %i s: %s', (progress, seconds, line) => {
  expect(progressLine('reading', progress, seconds)).toBe(line)
})
