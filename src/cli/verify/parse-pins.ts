import { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { isHash } from '../../chain/hash.js'
import { LIMITS } from '../../chain/limits.js'
import { isUuid } from '../../chain/uuid.js'

const saved = z.looseObject({
  ok: z.boolean(),
  domain_id: z.string().refine(isUuid),
  head: z.object({ seq: z.int().min(1).max(LIMITS.maxSeq), hash: z.string().refine(isHash) }),
})

/**
 * Parses saved verify results, one per line, into heads by domain id. Skips the summary line of `verify --all`. Throws
 * `invalid_input` for a result that is not ok, because its head proves nothing, and for any other line.
 */
export function parsePins(text: string): Map<string, ChainHead[]> {
  const pins = new Map<string, ChainHead[]>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const value = parseJson(line)
    if (isSummary(value)) continue
    const result = saved.safeParse(value)
    if (!result.success) throw refused(index, 'expected a saved verify result with domain_id and head')
    if (!result.data.ok) throw refused(index, 'this result is not ok, so its head proves nothing')
    const domainId = result.data.domain_id.toLowerCase()
    pins.set(domainId, [...(pins.get(domainId) ?? []), result.data.head])
  }
  if (pins.size === 0) throw new AuditError('invalid_input', 'the file holds no verify result')
  return pins
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function isSummary(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'summary'
}

function refused(index: number, problem: string): AuditError {
  return new AuditError('invalid_input', `line ${index + 1}: ${problem}`)
}
