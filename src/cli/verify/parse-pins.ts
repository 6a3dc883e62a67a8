import { z } from 'zod'
import { AuditError } from '../../base/errors.js'
import type { PinnedHead } from '../../chain/entry.js'
import { isHash } from '../../chain/hash.js'
import { LIMITS } from '../../chain/limits.js'
import { isUuid } from '../../chain/uuid.js'

const saved = z.looseObject({
  ok: z.boolean(),
  domain_id: z.string().refine(isUuid),
  archived_through: z.int().min(0).max(LIMITS.maxSeq).optional(),
  head: z.object({ seq: z.int().min(1).max(LIMITS.maxSeq), hash: z.string().refine(isHash) }),
})

/** The last line of `verify --all`. `failed`: the chains of these without a result. */
const summaryLine = z.strictObject({
  summary: z.looseObject({ chains: z.int().min(0), failed: z.int().min(0).default(0) }),
})

type Summary = z.infer<typeof summaryLine>['summary']

/** What a file of saved results pins. */
export interface SavedPins {
  /** The heads by domain id, each with how far the chain was archived then. */
  readonly heads: ReadonlyMap<string, readonly PinnedHead[]>
  /** Why the file may not pin every chain; undefined where it pins all that its summary counts, or one chain alone. */
  readonly gap?: string | undefined
}

/**
 * Parses saved verify results, one per line. The summary line of `verify --all` says how many chains the file must have: all
 * but those that could not be checked. A file of single results has none. Throws `invalid_input` for a result that is not ok,
 * because its head proves nothing, for a file with fewer chains than its summary counts, and for any other line.
 */
export function parsePins(text: string): SavedPins {
  const heads = new Map<string, PinnedHead[]>()
  let summary: Summary | undefined
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (line.trim() === '') continue
    // Results of another run may follow because two files were joined, or because lines of one were moved.
    if (summary !== undefined) throw refused(index, 'expected nothing after the summary; give one file a run')
    const value = parseJson(line)
    summary = summaryOf(value, index)
    if (summary === undefined) addPin(heads, value, index)
  }
  if (heads.size === 0) throw new AuditError('invalid_input', 'the file holds no verify result')
  if (summary !== undefined && summary.chains - summary.failed > heads.size)
    throw incomplete(summary, heads.size)
  return { heads, gap: gapOf(summary, heads.size) }
}

function gapOf(summary: Summary | undefined, found: number): string | undefined {
  if (summary === undefined && found > 1)
    return `it has results of ${found} chains and no summary, so lines may be missing: a chain without a line is not pinned`
  if (summary === undefined || summary.chains <= found) return undefined
  return `${summary.chains - found} of its ${summary.chains} chains could not be checked when it was saved, and are not pinned`
}

function addPin(heads: Map<string, PinnedHead[]>, value: unknown, index: number): void {
  const { domainId, pin } = pinOf(value, index)
  heads.set(domainId, [...(heads.get(domainId) ?? []), pin])
}

/** Parses one saved head. `index`: the number of lines before it. Throws `invalid_input`. */
export function readPin(line: string, index: number): { domainId: string; pin: PinnedHead } {
  return pinOf(parseJson(line), index)
}

function pinOf(value: unknown, index: number): { domainId: string; pin: PinnedHead } {
  const result = saved.safeParse(value)
  if (!result.success) throw refused(index, 'expected a saved verify result with domain_id and head')
  if (!result.data.ok) throw refused(index, 'this result is not ok, so its head proves nothing')
  const domainId = result.data.domain_id.toLowerCase()
  const { head, archived_through: archivedThrough } = result.data
  const { seq, hash } = head
  return { domainId, pin: archivedThrough === undefined ? { seq, hash } : { seq, hash, archivedThrough } }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Returns what a summary line counts, or undefined for a line that is no summary. */
function summaryOf(value: unknown, index: number): Summary | undefined {
  if (typeof value !== 'object' || value === null || !('summary' in value)) return undefined
  const line = summaryLine.safeParse(value)
  if (!line.success) throw refused(index, 'expected the summary of verify --all, with the number of chains')
  return line.data.summary
}

function incomplete({ chains, failed }: Summary, found: number): AuditError {
  const counted = `${chains} chains${failed === 0 ? '' : `, ${failed} of them failed`}`
  return new AuditError(
    'invalid_input',
    `the summary counts ${counted}, but the file has results of ${found}: the others would have no pin`,
    { advice: { code: 'save_results_again' } },
  )
}

function refused(index: number, problem: string): AuditError {
  return new AuditError('invalid_input', `line ${index + 1}: ${problem}`)
}
