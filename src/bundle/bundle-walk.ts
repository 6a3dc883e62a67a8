import type { Finding } from '../chain/finding.js'
import { BUNDLE_LIMITS, damaged, FILE_NAMES } from './bundle-format.js'
import type { ReadMember } from './bundle-members.js'
import { decompressSegment } from './gzip.js'
import type { ReadManifest, Segment } from './manifest.js'
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

/**
 * Compares the members after the manifest with the expected ones, in the manifest's order. A member that is missing, not
 * expected or out of place is a finding. Of the README and the verifiers only the names are checked.
 */
export class BundleWalk {
  readonly #expected: readonly (Segment | string)[]
  readonly #positions: ReadonlyMap<string, number>
  #next = 0

  constructor({ segments }: ReadManifest) {
    this.#expected = [...FILE_NAMES, ...segments]
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
    return typeof expected === 'object' ? [...missing, awaitedLater(open(expected, member))] : missing
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

function nameOf(expected: Segment | string): string {
  return typeof expected === 'string' ? expected : expected.name
}

async function found(
  code: 'orphan_object' | 'object_missing',
  name: string,
  expected: Segment | string = '',
): Promise<BundleStep> {
  const seqs = typeof expected === 'string' ? { first_seq: 0, last_seq: 0 } : expected
  const what = code === 'object_missing' ? 'is missing' : 'is not in the manifest, or is out of place'
  const finding = { code, seqFrom: seqs.first_seq, seqTo: seqs.last_seq, detail: `member ${name} ${what}` }
  return { finding }
}

/** Marks the rejection as handled: the step is awaited later, in order. */
function awaitedLater(step: Promise<BundleStep>): Promise<BundleStep> {
  step.catch(() => undefined)
  return step
}

async function open(segment: Segment, { content: packed }: ReadMember): Promise<BundleStep> {
  if (packed.length > BUNDLE_LIMITS.memberBytes) throw damaged('a segment is too large')
  const content = await decompressSegment(packed)
  return { segment, content, sha256: await sha256Of(content) }
}
