import type { State } from '../model/state.js'
import { type Span, span } from './lines.js'

/** Returns what is known of the integrity of a chain, in about 17 columns. */
export function stateText({ verifying, checked, glyphs }: State, domainId: string): Span {
  if (verifying?.domainId === domainId) return span('verifying', 'warn')
  const known = checked.get(domainId)
  if (known === undefined) {
    const isQueued = verifying?.queue.includes(domainId) === true
    return span(isQueued ? 'waits' : 'not verified yet', 'dim')
  }
  if (known.kind === 'unproven') return span(`${glyphs.unknown} not proven`, 'warn')
  const { ok, end, findings } = known.verdict
  if (ok && known.doubts.length > 0) return span(`${glyphs.unknown} not proven`, 'warn')
  if (ok && end === 'unproven') return span(`${glyphs.unknown} intact, no pin`, 'warn')
  if (ok) return span(`${glyphs.ok} intact`, 'good')
  return span(`${glyphs.damaged} DIVERGED (${findings.length})`, 'bad')
}
