import { z } from 'zod'
import { jsonShape, MAX_JSON_DEPTH } from '../base/json-shape.js'
import { isHash } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import { isChainId } from '../chain/uuid.js'
import { BUNDLE_FORMAT, damaged, REPORT_FORMAT, REPORT_NAME, segmentName } from './bundle-format.js'
import type { ManifestFinding } from './manifest-finding.js'
import { type SelectionJson, selectionOf } from './manifest-selection.js'
import { endOf, kindOf, type Selection } from './selection.js'

/** A stored number. A row that was forced into the table may have any seq; 2^53 represents every larger one. */
const int = z.number().refine((value) => Number.isInteger(value) && Math.abs(value) <= LIMITS.maxSeq + 1)
const hash = z.string().refine(isHash)
const head = z.looseObject({ seq: int, hash })

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

/** The fields that a reader needs. It ignores all others, and trusts none of these. */
const needed = z.looseObject({
  format: z.enum([BUNDLE_FORMAT, REPORT_FORMAT]),
  domain_id: z.string().refine(isChainId),
  selection,
  predecessor: head.optional(),
  head: head.optional(),
  ...counts,
  report: z.looseObject({ name: z.literal(REPORT_NAME), bytes: int, sha256: hash }).optional(),
  segments: z.array(z.looseObject({ name: z.string(), ...counts, bytes: int, sha256: hash })),
})

export interface Segment {
  readonly name: string
  readonly rows: number
  readonly first_seq: number
  readonly last_seq: number
  /** Bytes of the content before compression. */
  readonly bytes: number
  readonly sha256: string
}

/** The page that a bundle holds for people. */
export interface ReportMember {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface SeqHash {
  readonly seq: number
  readonly hash: string
}

/** The fields of manifest.json that a reader uses, apart from the selection. */
interface ManifestFields {
  readonly domain_id: string
  /** The row before the first one, for its link. */
  readonly predecessor?: SeqHash | undefined
  /** The chain head at the time of the export. */
  readonly head?: SeqHash | undefined
  readonly rows: number
  readonly first_seq: number
  readonly last_seq: number
  /** Only in {@link REPORT_FORMAT}. */
  readonly report?: ReportMember | undefined
  readonly segments: readonly Segment[]
}

/** The part of manifest.json that a reader uses. */
export interface ReadManifest extends ManifestFields {
  readonly format: typeof BUNDLE_FORMAT | typeof REPORT_FORMAT
  readonly selection: Selection
  /** The selection as it was read, unknown keys included. */
  readonly selectionJson: SelectionJson
}

/** manifest.json (docs/evidence.md, "The manifest"). */
export interface Manifest extends ManifestFields {
  readonly format: typeof BUNDLE_FORMAT | typeof REPORT_FORMAT
  readonly tool: string
  readonly selection: SelectionJson
  /** What the export found, for people. */
  readonly findings: { readonly total: number; readonly first: readonly ManifestFinding[] }
}

/**
 * One line of a manifest: keys are names, nesting is shallow, numbers are integers. Other JSON, even under an unknown key,
 * is read differently by programs in other languages.
 */
const LINE =
  /^ {0,16}(?:"[a-z][a-z0-9_]*": (?:-?[0-9]{1,16}|[a-z]+|"[^\n]*")|(?:"[a-z][a-z0-9_]*": )?(?:[[{][\]}]?|[\]}])?),?$/

export function manifestText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Reads a manifest. Throws `bundle_malformed` unless {@link manifestText} can have written it and it is consistent. */
export function readManifest(bytes: Buffer): ReadManifest {
  const json = decode(bytes)
  const value = parse(json)
  const read = needed.safeParse(value)
  if (!read.success)
    throw damaged(`manifest.json: ${read.error.issues[0]?.path.join('.') || 'not'} as an export writes it`)
  // Refuses duplicate keys, other spellings and lone surrogates, which other readers may understand differently.
  const isSpelled = manifestText(value) === json && !json.replaceAll('\\\\', '').includes('\\ud')
  if (!isSpelled) throw damaged('manifest.json: not in the exact spelling of JSON.stringify')
  if (!json.split('\n').every((line) => LINE.test(line)))
    throw damaged('manifest.json: not as plain as an export writes it')
  const selectionJson = read.data.selection as SelectionJson
  const manifest = { ...read.data, selection: selectionOf(selectionJson), selectionJson } as ReadManifest
  const problem = contradiction(manifest)
  if (problem !== undefined) throw damaged(`manifest.json: ${problem}`)
  return manifest
}

function contradiction(manifest: ReadManifest): string | undefined {
  const { selection: chosen, predecessor, segments } = manifest
  const { kind, fromSeq, toSeq, toEnd } = chosen
  if ((manifest.report !== undefined) !== (manifest.format === REPORT_FORMAT))
    return 'its format is not the one of a bundle with a report'
  if (kind !== kindOf(chosen)) return 'the kind of the selection is wrong'
  if (fromSeq < 1 || fromSeq > LIMITS.maxSeq || toSeq < fromSeq) return 'the selection is not a range'
  if (toEnd && toSeq !== endOf(fromSeq, manifest.last_seq))
    return 'the selection does not end with the last row'
  const isLink = kind !== 'filtered' && fromSeq > 1 && predecessor?.seq === fromSeq - 1
  if (predecessor !== undefined && !isLink) return 'the predecessor is wrong'
  if (segments.some(({ name }, i) => name !== segmentName(i + 1))) return 'the name of a segment is wrong'
  return isSum(manifest) ? undefined : 'its counts differ from the sums of its segments'
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
  // JSON.stringify recurses, and throws RangeError from a few thousand levels on.
  if (jsonShape(json).depth > MAX_JSON_DEPTH)
    throw damaged('manifest.json: not as plain as an export writes it')
  try {
    return JSON.parse(json)
  } catch {
    throw damaged('manifest.json is not JSON')
  }
}
