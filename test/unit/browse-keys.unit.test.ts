import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BrowseEvent, keyOf } from '../../src/cli/browse/model/event.js'
import { listHeight } from '../../src/cli/browse/model/layout.js'
import { inView } from '../../src/cli/browse/model/navigation.js'
import type { Size, State } from '../../src/cli/browse/model/state.js'
import { frameOf } from '../../src/cli/browse/views/frame.js'
import { plain, widthOf } from '../../src/cli/browse/views/lines.js'
import { memoryData } from '../support/browse/memory-data.js'
import { BrowseSession } from '../support/browse/session.js'
import { chained, DOMAIN, entryAt } from '../support/chain-builder.js'

/** Text that a terminal would execute, and text of every width. */
const HOSTILE = '\u001b[31m\u001b]8;;http://evil\u0007\u202e漢字👩‍👩‍👧e\u0301\u200b'

const ROWS = chained(
  Array.from({ length: 40 }, (_, i) =>
    entryAt(i + 1, i % 3 === 0 ? { object: `x:${HOSTILE}`, relation: HOSTILE } : {}),
  ),
)
const DATA = () =>
  memoryData({
    chains: [{ domainId: DOMAIN, name: HOSTILE }],
    copies: { postgres: ROWS.filter(({ seq }) => seq !== 7), mirror: ROWS },
  })

const KEYS = [
  ...'jkgGlvVfxnpre/:#?b N~é漢',
  ...'0123456789=',
  ...['up', 'down', 'left', 'right', 'page-up', 'page-down', 'home', 'end', 'enter', 'escape'],
  ...['backspace', 'tab', 'ctrl-u', 'ctrl-c', 'q'],
]

const key = fc.constantFrom(...KEYS).map((text): BrowseEvent => ({ kind: 'key', key: keyOf(text) }))
const size: fc.Arbitrary<Size> = fc.record({
  columns: fc.integer({ min: 1, max: 220 }),
  rows: fc.integer({ min: 1, max: 60 }),
})
const resize = size.map((to): BrowseEvent => ({ kind: 'resize', size: to }))
const note = fc.string().map((text): BrowseEvent => ({ kind: 'note', text }))
const events = fc.array(fc.oneof({ weight: 12, arbitrary: key }, { weight: 2, arbitrary: resize }, note), {
  maxLength: 60,
})

function assertSound(state: State): void {
  for (const view of state.views) {
    if (!('position' in view)) continue
    const count = inView(state, view)
    const { selected, top } = view.position
    expect(selected).toBeGreaterThanOrEqual(0)
    expect(selected).toBeLessThan(Math.max(1, count))
    expect(top).toBeLessThanOrEqual(selected)
    expect(selected).toBeLessThan(top + Math.max(1, listHeight(state, view)))
  }
}

function assertFits(state: State): void {
  const lines = frameOf(state).map(plain)
  expect(lines).toHaveLength(state.size.rows)
  for (const text of lines) {
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(widthOf(text)).toBeLessThanOrEqual(state.size.columns)
  }
}

describe('any sequence of keys', () => {
  it('keeps the selection in bounds and every line on the screen, whether data arrives or not', async () => {
    await fc.assert(
      fc.asyncProperty(size, events, fc.nat({ max: 4 }), async (first, all, rhythm) => {
        const session = new BrowseSession(DATA(), first)
        for (const [index, event] of all.entries()) {
          if (session.state.isDone) break
          session.dispatch(event)
          // With a rhythm of 0 no data arrives before the next key.
          if (rhythm > 0 && index % rhythm === 0) await session.settled()
          assertSound(session.state)
          assertFits(session.state)
        }
        await session.settled()
        assertFits(session.state)
      }),
      { numRuns: 150 },
    )
  })
})
