import { createHash } from 'node:crypto'
import type { Finding } from '../chain/finding.js'
import { BUNDLE_LIMITS, damaged, FILE_NAMES, REPORT_NAME } from './bundle-format.js'
import type { ReadMember } from './bundle-members.js'
import { decompressSegment } from './gzip.js'
import type { ReadManifest, ReportMember, Segment } from './manifest.js'
import { sha256Of } from './sha256.js'

/** A segment in its expected position. */
export interface OpenSegment {
  readonly segment: Segment
  readonly content: Buffer
  readonly sha256: string
}

/** One step of the walk: a segment, or a difference from the manifest. */
export type BundleStep = OpenSegment | { readonly finding: Finding }

/** Segments that are decompressed ahead. */
const AHEAD = 3

/** A member by its name alone, or with what the manifest says of it. */
type Expected = Segment | ReportMember | string

/**
 * Compares the members after the manifest with the expected ones, in the manifest's order. A member that is missing, not
 * expected or out of place is a finding, and so is a report with another hash. Of the README and the verifiers only the
 * names are checked.
 */
export class BundleWalk {
  readonly #expected: readonly Expected[]
  readonly #positions: ReadonlyMap<string, number>
  #next = 0

  constructor({ segments, report }: ReadManifest) {
    this.#expected = [...FILE_NAMES, ...(report === undefined ? [] : [report]), ...segments]
    this.#positions = new Map(this.#expected.map((one, position) => [nameOf(one), position]))
  }

  /** Yields the steps in the order of the file, and decompresses ahead. At damage, yields the steps before it, then rejects. */
  async *steps(members: AsyncIterable<ReadMember>): AsyncGenerator<BundleStep> {
    const ahead: Promise<BundleStep>[] = []
    try {
      for await (const steps of this.#inOrder(members)) {
        ahead.push(...steps)
        while (ahead.length > AHEAD) yield await next(ahead)
      }
      while (ahead.length > 0) yield await next(ahead)
    } finally {
      // Nothing that was started may go on after the end. Its steps are dropped: the rows between would look missing.
      await Promise.allSettled(ahead)
    }
  }

  /** Yields the steps of each member. A damaged file yields a rejected step after the members before the damage. */
  async *#inOrder(members: AsyncIterable<ReadMember>): AsyncGenerator<Promise<BundleStep>[]> {
    try {
      for await (const member of members) yield this.#member(member)
      yield this.#skipTo(this.#expected.length)
    } catch (error) {
      yield [awaitedLater(Promise.reject(error))]
    }
  }

  #member(member: ReadMember): Promise<BundleStep>[] {
    const position = this.#positions.get(member.name)
    if (position === undefined || position < this.#next) return [found('orphan_object', member.name)]
    const missing = this.#skipTo(position)
    this.#next = position + 1
    const expected = this.#expected[position]
    if (typeof expected !== 'object') return missing
    if (isSegment(expected)) return [...missing, awaitedLater(open(expected, member))]
    return isSame(expected, member) ? missing : [...missing, found('object_malformed', expected.name)]
  }

  /** Reports the members that should have come before `position`. */
  #skipTo(position: number): Promise<BundleStep>[] {
    const missing = this.#expected.slice(this.#next, position)
    this.#next = position
    return missing.map((expected) => found('object_missing', nameOf(expected), expected))
  }
}

function next(ahead: Promise<BundleStep>[]): Promise<BundleStep> {
  return ahead.shift() ?? Promise.reject(damaged('it ends early'))
}

function nameOf(expected: Expected): string {
  return typeof expected === 'string' ? expected : expected.name
}

const PROBLEMS = {
  orphan_object: 'is not in the manifest, or is out of place',
  object_missing: 'is missing',
  object_malformed: 'differs from its entry in the manifest',
} as const

async function found(
  code: keyof typeof PROBLEMS,
  name: string,
  expected: Expected = '',
): Promise<BundleStep> {
  const seqs = isSegment(expected) ? expected : { first_seq: 0, last_seq: 0 }
  const detail = `member ${name} ${PROBLEMS[code]}`
  const finding = { code, seqFrom: seqs.first_seq, seqTo: seqs.last_seq, detail }
  return { finding }
}

/** Marks the rejection as handled: the step is awaited later, in order. */
function awaitedLater(step: Promise<BundleStep>): Promise<BundleStep> {
  step.catch(() => undefined)
  return step
}

function isSegment(expected: Expected): expected is Segment {
  return typeof expected === 'object' && expected.name !== REPORT_NAME
}

function isSame({ bytes, sha256 }: ReportMember, { content }: ReadMember): boolean {
  return bytes === content.length && sha256 === createHash('sha256').update(content).digest('hex')
}

async function open(segment: Segment, { content: packed }: ReadMember): Promise<BundleStep> {
  if (packed.length > BUNDLE_LIMITS.memberBytes) throw damaged('a segment is too large')
  const content = await decompressSegment(packed)
  return { segment, content, sha256: await sha256Of(content) }
}
