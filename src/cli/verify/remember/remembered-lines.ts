import { AuditError } from '../../../base/errors.js'
import type { ChainHead, PinnedHead } from '../../../chain/entry.js'
import { readPin } from '../parse-pins.js'

/** A line of a file of remembered heads. */
export interface RememberedLine {
  /** As it is in the file, without the line feed. */
  readonly text: string
  readonly domainId: string
  readonly head: PinnedHead
}

/** The head of a chain that a run saw, and the heads in the file that the run compared with the chain. */
export interface SeenHead {
  readonly domainId: string
  readonly head: ChainHead
  readonly checked: readonly ChainHead[]
}

/** Parses a file of remembered heads. An empty text has none. Throws `invalid_input` for a line that is no head. */
export function rememberedLines(text: string): RememberedLine[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    if (/^\s*\{\s*"summary"/.test(line)) throw summaryLine(index)
    const { domainId, pin } = readPin(line, index)
    return [{ text: line.replace(/\r$/, ''), domainId, head: pin }]
  })
}

function summaryLine(index: number): AuditError {
  const problem = 'this is the summary of verify --all; give --remember a file of its own'
  return new AuditError('invalid_input', `line ${index + 1}: ${problem}`)
}

/**
 * Returns the lines of the file after a run that ended with 0. A head that the run compared is replaced by the newer one.
 * Every other line stays: lines of other chains, heads outside the verified rows, heads that another run wrote meanwhile, and
 * lines that also say how far the chain was archived. The newest head of a chain never gets a lower seq.
 */
export function linesAfter(lines: readonly RememberedLine[], seen: readonly SeenHead[]): string[] {
  const after = new Map<RememberedLine, string | undefined>(lines.map((line) => [line, line.text]))
  const added: string[] = []
  for (const { domainId, head, checked } of seen) {
    const own = lines.filter((line) => line.domainId === domainId)
    const replaced = own.filter((line) => isReplaced(line, head, checked))
    const kept = own.filter((line) => !replaced.includes(line))
    if (kept.some((line) => line.head.seq > head.seq)) continue
    for (const line of replaced) after.set(line, undefined)
    const isThere = kept.some((line) => isSame(line.head, head))
    const [first] = replaced
    if (first !== undefined && !isThere) after.set(first, lineOf(domainId, head))
    else if (!isThere) added.push(lineOf(domainId, head))
  }
  return [...after.values(), ...added].filter((text) => text !== undefined)
}

function isReplaced({ head: old }: RememberedLine, head: ChainHead, checked: readonly ChainHead[]): boolean {
  return old.archivedThrough === undefined && old.seq <= head.seq && checked.some((one) => isSame(one, old))
}

function isSame(one: ChainHead, other: ChainHead): boolean {
  return one.seq === other.seq && one.hash === other.hash
}

function lineOf(domainId: string, { seq, hash }: ChainHead): string {
  return JSON.stringify({ ok: true, domain_id: domainId, head: { seq, hash } })
}
