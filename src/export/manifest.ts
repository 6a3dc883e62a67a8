import { z } from 'zod'
import { FINDING_CODES } from '../chain/finding.js'
import { isHash } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import { REASONS } from '../chain/reason.js'
import { NIL_UUID } from '../chain/uuid.js'
import { BUNDLE_FORMAT, damaged, FILE_NAMES, segmentName } from './bundle-format.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const hash = z.string().refine(isHash)
const text = z.string().min(1)
/** Of a row as it is stored; a forced one may have any. */
const anySeq = z
  .int()
  .min(-LIMITS.maxSeq - 1)
  .max(LIMITS.maxSeq + 1)
const head = z.strictObject({ seq: anySeq, hash })
const sums = { bytes: count, sha256: hash }

const filter = z.strictObject({
  subject_pseudonym: hash.optional(),
  relation: text.optional(),
  object_type: text.optional(),
  object_id: text.optional(),
  reason: z.enum(REASONS).optional(),
  correlation_id: z.string().optional(),
})

const selection = z.strictObject({
  kind: z.enum(['chain', 'range', 'filtered']),
  from_seq: z.int().min(1).max(LIMITS.maxSeq),
  to_seq: z
    .int()
    .min(1)
    .max(LIMITS.maxSeq + 1),
  to_end: z.boolean(),
  from: z.string().regex(TIME).optional(),
  to: z.string().regex(TIME).optional(),
  filter,
})

const finding = z.strictObject({
  code: z.enum(FINDING_CODES),
  seq_from: anySeq,
  seq_to: anySeq,
  expected: hash.optional(),
  observed: hash.optional(),
  detail: z.string(),
})

const manifest = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  tool: text,
  domain_id: z
    .string()
    .regex(UUID)
    .refine((id) => id !== NIL_UUID),
  selection,
  predecessor: head.optional(),
  head: head.optional(),
  rows: count,
  first_seq: anySeq,
  last_seq: anySeq,
  findings: z.strictObject({ total: count, first: z.array(finding) }),
  files: z.array(z.strictObject({ name: text, ...sums })),
  segments: z.array(
    z.strictObject({ name: text, rows: count, first_seq: anySeq, last_seq: anySeq, ...sums }),
  ),
})

/** manifest.json (docs/evidence.md, "The manifest"). */
export type Manifest = z.infer<typeof manifest>
export type Selection = Manifest['selection']
export type Segment = Manifest['segments'][number]
export type BundleFile = Manifest['files'][number]
export type SelectionFilter = Selection['filter']

export function manifestText(value: Manifest): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Throws `bundle_malformed` for what {@link manifestText} does not write, and for one that contradicts itself. */
export function readManifest(bytes: Buffer): Manifest {
  const json = decode(bytes)
  const read = manifest.safeParse(parse(json))
  if (!read.success) {
    throw damaged(`manifest.json: ${read.error.issues[0]?.path.join('.') || 'not'} as an export writes it`)
  }
  // Refuses duplicate keys, another order and other spellings, which readers might understand differently.
  if (manifestText(parse(json) as Manifest) !== json) throw damaged('manifest.json is spelled otherwise')
  const problem = contradiction(read.data)
  if (problem !== undefined) throw damaged(`manifest.json: ${problem}`)
  return read.data
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

function contradiction({ files, segments, ...manifest }: Manifest): string | undefined {
  const { selection: chosen, predecessor, last_seq } = manifest
  if (chosen.kind !== kindOf(chosen)) return 'the selection is not of its kind'
  if (chosen.to_seq < chosen.from_seq) return 'the selection ends before it begins'
  if (chosen.to_end && chosen.to_seq !== endOf(chosen.from_seq, last_seq)) {
    return 'the selection does not end with the last row'
  }
  const mayLink = chosen.kind !== 'filtered' && predecessor?.seq === chosen.from_seq - 1
  if (predecessor !== undefined && !(mayLink && predecessor.seq > 0)) return 'a predecessor that is none'
  const isNamed =
    files.map(({ name }) => name).join() === FILE_NAMES.join() &&
    segments.every(({ name }, i) => name === segmentName(i + 1))
  return isNamed ? undefined : 'its members are not named as an export names them'
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
