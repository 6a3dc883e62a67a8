import { HASH_BYTES } from '../layout.js'
import { LIMITS, textProblem } from '../limits.js'
import { decodeBase64, encodeBase64 } from './base64.js'
import { type Checkpoint, parseCheckpoint } from './checkpoint.js'
import { parseDecimal } from './decimal.js'
import { type Note, parseNote } from './note.js'

/** A file that leads from one leaf to a signed root (c2sp.org/tlog-proof). Nothing in it was checked. */
export interface TlogProof {
  /** Data for this application, not covered by a signature by itself. */
  readonly extra?: Uint8Array | undefined
  /** From 0. */
  readonly index: number
  /** The sibling of the leaf first. */
  readonly path: readonly Uint8Array[]
  readonly note: Note
  readonly checkpoint: Checkpoint
}

export const PROOF_LIMITS = { bytes: 256 * 1024, path: 63 } as const

const FIRST_LINE = 'c2sp.org/tlog-proof@v1'

/** Reads a proof. Undefined where the text is no proof, or exceeds the limits. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const end = text.indexOf('\n\n')
  if (textProblem(text, 1, PROOF_LIMITS.bytes) !== undefined || end < 0) return undefined
  const head = parseHead(text.slice(0, end).split('\n'))
  const note = parseNote(text.slice(end + 2))
  const checkpoint = note && parseCheckpoint(note.body)
  return head && note && checkpoint && { ...head, note, checkpoint }
}

function parseHead(lines: readonly string[]): Pick<TlogProof, 'extra' | 'index' | 'path'> | undefined {
  const [first, second = ''] = lines
  if (first !== FIRST_LINE) return undefined
  const hasExtra = second.startsWith('extra ')
  const extra = hasExtra ? decodeBase64(second.slice('extra '.length)) : undefined
  const [indexLine = '', ...rest] = lines.slice(hasExtra ? 2 : 1)
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length), 0) : undefined
  const path = parsePath(rest)
  // The tree has more leaves than the index, and at most 2^53-1.
  if (index === LIMITS.maxSeq) return undefined
  if ((hasExtra && extra === undefined) || index === undefined || path === undefined) return undefined
  return { ...(extra && { extra }), index, path }
}

function parsePath(lines: readonly string[]): Uint8Array[] | undefined {
  if (lines.length > PROOF_LIMITS.path) return undefined
  const path = lines.map(decodeBase64)
  return path.every((hash) => hash?.length === HASH_BYTES) ? (path as Uint8Array[]) : undefined
}

/** Writes a proof. `note`: the signed checkpoint as it was read. */
export function tlogProofText(
  { extra, index, path }: Pick<TlogProof, 'extra' | 'index' | 'path'>,
  note: string,
): string {
  const extraLine = extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]
  return [FIRST_LINE, ...extraLine, `index ${index}`, ...path.map(encodeBase64), '', note].join('\n')
}
