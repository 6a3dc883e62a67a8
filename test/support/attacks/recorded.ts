import { expect } from 'vitest'
import type { ExpectedFinding } from './attack.js'

const byText = (x: unknown, y: unknown) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)

/**
 * Expects each finding once in the quarantine. The findings of a segment are recorded as those of the rows around it, so
 * that one finding has one identity whatever part of it was verified. `words` are the arguments of verify.
 */
export function expectRecorded(
  records: readonly Partial<ExpectedFinding>[],
  findings: readonly ExpectedFinding[],
  words: readonly string[],
): void {
  if (!words.some((word) => /^--(from|to)-seq$/.test(word))) {
    expect([...records].sort(byText)).toEqual([...findings].sort(byText))
    return
  }
  for (const { code, seq_from, seq_to } of findings) {
    const holds = (record: Partial<ExpectedFinding>) =>
      record.code === code && Number(record.seq_from) <= seq_from && Number(record.seq_to) >= seq_to
    expect(records.filter(holds)).toHaveLength(1)
  }
}
