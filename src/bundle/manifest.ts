import { z } from 'zod'
import { isHash } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import { isUuid, NIL_UUID } from '../chain/uuid.js'
import { BUNDLE_FORMAT, damaged, segmentName } from './bundle-format.js'
import type { ManifestFinding } from './manifest-finding.js'

/** Of a row as it is stored; a forced one may have any. 2^53 stands for all beyond. */
const int = z.number().refine((value) => Number.isInteger(value) && Math.abs(value) <= LIMITS.maxSeq + 1)
const hash = z.string().refine(isHash)
const head = z.looseObject({ seq: int, hash })
const isChainId = (text: string) => isUuid(text) && text === text.toLowerCase() && text !== NIL_UUID

const filter = z.strictObject({
  subject_pseudonym: z.string().optional(),
  relation: z.string().optional(),
  object_type: z.string().optional(),
  object_id: z.string().optional(),
  reason: z.string().optional(),
  correlation_id: z.string().optional(),
})

const selection = z.looseObject({
  kind: z.enum(['chain', 'range', 'filtered']),
  from_seq: int,
  to_seq: int,
  to_end: z.boolean(),
  filter,
})

const counts = { rows: int, first_seq: int, last_seq: int }

/** What a reader needs; it does not look at the rest, and does not trust what it looks at. */
const needed = z.looseObject({
  format: z.literal(BUNDLE_FORMAT),
  domain_id: z.string().refine(isChainId),
  selection,
  predecessor: head.optional(),
  head: head.optional(),
  ...counts,
  segments: z.array(z.looseObject({ name: z.string(), ...counts, bytes: int, sha256: hash })),
})

export interface SelectionFilter {
  readonly subject_pseudonym?: string | undefined
  readonly relation?: string | undefined
  readonly object_type?: string | undefined
  readonly object_id?: string | undefined
  readonly reason?: string | undefined
  readonly correlation_id?: string | undefined
}

/** Which rows of a chain a bundle is of. */
export interface Selection {
  /** The whole chain; a range of it, without a gap; or rows of a range that a filter let through. */
  readonly kind: 'chain' | 'range' | 'filtered'
  readonly from_seq: number
  readonly to_seq: number
  /** Whether the range goes on to the end that the chain had. */
  readonly to_end: boolean
  /** The times that were asked for, RFC 3339. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly filter: SelectionFilter
}

export interface Segment {
  readonly name: string
  readonly rows: number
  readonly first_seq: number
  readonly last_seq: number
  /** Of the content, before it was compressed. */
  readonly bytes: number
  readonly sha256: string
}

export interface SeqHash {
  readonly seq: number
  readonly hash: string
}

/** What a reader takes from manifest.json. */
export interface ReadManifest {
  readonly domain_id: string
  readonly selection: Selection
  /** The row before the first, for its link. */
  readonly predecessor?: SeqHash | undefined
  /** The chain head in the moment of the export. */
  readonly head?: SeqHash | undefined
  readonly rows: number
  readonly first_seq: number
  readonly last_seq: number
  readonly segments: readonly Segment[]
}

/** manifest.json (docs/evidence.md, "The manifest"). */
export interface Manifest extends ReadManifest {
  readonly format: typeof BUNDLE_FORMAT
  readonly tool: string
  /** What the export found; for people. */
  readonly findings: { readonly total: number; readonly first: readonly ManifestFinding[] }
}

/**
 * One line of it: keys are names, nesting is shallow, numbers are integers. Of other JSON, programs of other languages make
 * other things, also where a key that nobody knows holds it.
 */
const LINE =
  /^ {0,16}(?:"[a-z][a-z0-9_]*": (?:-?[0-9]{1,16}|[a-z]+|"[^\n]*")|(?:"[a-z][a-z0-9_]*": )?(?:[[{][\]}]?|[\]}])?),?$/

export function manifestText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Throws `bundle_malformed` for what {@link manifestText} cannot have written, and for one that contradicts itself. */
export function readManifest(bytes: Buffer): ReadManifest {
  const json = decode(bytes)
  const value = parse(json)
  const read = needed.safeParse(value)
  if (!read.success)
    throw damaged(`manifest.json: ${read.error.issues[0]?.path.join('.') || 'not'} as an export writes it`)
  // Refuses duplicate keys and odd spellings, which readers might understand differently, and lone surrogates.
  const isSpelled = manifestText(value) === json && !json.replaceAll('\\\\', '').includes('\\ud')
  if (!isSpelled) throw damaged('manifest.json: spelled otherwise than JSON.stringify spells it')
  if (!json.split('\n').every((line) => LINE.test(line)))
    throw damaged('manifest.json: not as plain as one is')
  const manifest = read.data as ReadManifest
  const problem = contradiction(manifest)
  if (problem !== undefined) throw damaged(`manifest.json: ${problem}`)
  return manifest
}

/** Which rows a selection is of, by what it says. */
export function kindOf({ from_seq, to_end, filter: wanted }: Omit<Selection, 'kind'>): Selection['kind'] {
  if (Object.keys(wanted).length > 0) return 'filtered'
  return from_seq === 1 && to_end ? 'chain' : 'range'
}

/** to_seq of a selection that goes on to the end of its chain. */
export function endOf(fromSeq: number, lastSeq: number): number {
  return Math.max(fromSeq, lastSeq)
}

function contradiction(manifest: ReadManifest): string | undefined {
  const { selection: chosen, predecessor, segments } = manifest
  const { kind, from_seq, to_seq, to_end } = chosen
  if (kind !== kindOf(chosen)) return 'the selection is not of its kind'
  if (from_seq < 1 || from_seq > LIMITS.maxSeq || to_seq < from_seq) return 'the selection is no range'
  if (to_end && to_seq !== endOf(from_seq, manifest.last_seq))
    return 'the selection does not end with the last row'
  const isLink = kind !== 'filtered' && from_seq > 1 && predecessor?.seq === from_seq - 1
  if (predecessor !== undefined && !isLink) return 'a predecessor that is none'
  if (segments.some(({ name }, i) => name !== segmentName(i + 1))) return 'a segment that is named otherwise'
  return isSum(manifest) ? undefined : 'its counts are not those of its segments'
}

function isSum({ rows, first_seq, last_seq, segments }: ReadManifest): boolean {
  const [first, last] = [segments[0], segments.at(-1)]
  const sum = segments.reduce((total, segment) => total + segment.rows, 0)
  if (first === undefined || last === undefined) return rows === 0
  return rows === sum && first_seq === first.first_seq && last_seq === last.last_seq
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw damaged('manifest.json is not UTF-8')
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw damaged('manifest.json is not JSON')
  }
}
