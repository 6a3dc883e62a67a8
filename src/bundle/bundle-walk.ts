import type { Finding } from '../chain/finding.js'
import { BUNDLE_LIMITS, damaged, FILE_NAMES } from './bundle-format.js'
import type { ReadMember } from './bundle-members.js'
import { decompressSegment } from './gzip.js'
import type { ReadManifest, Segment } from './manifest.js'
import { sha256Of } from './sha256.js'

/** A segment in its place. */
export interface OpenSegment {
  readonly segment: Segment
  readonly content: Buffer
  readonly sha256: string
}

/** What the walk meets: a segment, or something that is not as the manifest says. */
export type Met = OpenSegment | { readonly finding: Finding }

/** Segments that are decompressed ahead of the reader. */
const AHEAD = 3

/**
 * Compares the members after the manifest with those that must be there, in the manifest's order: what is missing, too
 * much or out of its place is a finding. Of the README and the verifiers only the names are looked at.
 */
export class BundleWalk {
  readonly #expected: readonly (Segment | string)[]
  readonly #places: ReadonlyMap<string, number>
  #next = 0

  constructor({ segments }: ReadManifest) {
    this.#expected = [...FILE_NAMES, ...segments]
    this.#places = new Map(this.#expected.map((one, place) => [nameOf(one), place]))
  }

  /** In the order of the file, which is decompressed ahead. Rejects as readMembers does, after what stands before. */
  async *meet(members: AsyncIterable<ReadMember>): AsyncGenerator<Met> {
    const ahead: Promise<Met>[] = []
    try {
      for await (const met of this.#inOrder(members)) {
        ahead.push(...met)
        while (ahead.length > AHEAD) yield await next(ahead)
      }
      while (ahead.length > 0) yield await next(ahead)
    } finally {
      // What stands behind damage is not looked at: the rows between would seem to be missing.
      await Promise.allSettled(ahead)
    }
  }

  /** What the file breaks off with stands behind what came before. */
  async *#inOrder(members: AsyncIterable<ReadMember>): AsyncGenerator<Promise<Met>[]> {
    try {
      for await (const member of members) yield this.#member(member)
      yield this.#skipTo(this.#expected.length)
    } catch (error) {
      yield [unawaited(Promise.reject(error))]
    }
  }

  #member(member: ReadMember): Promise<Met>[] {
    const place = this.#places.get(member.name)
    if (place === undefined || place < this.#next) return [found('orphan_object', member.name)]
    const missing = this.#skipTo(place)
    this.#next = place + 1
    const expected = this.#expected[place]
    return typeof expected === 'object' ? [...missing, unawaited(open(expected, member))] : missing
  }

  /** Reports what should have come before `place`. */
  #skipTo(place: number): Promise<Met>[] {
    const missing = this.#expected.slice(this.#next, place)
    this.#next = place
    return missing.map((expected) => found('object_missing', nameOf(expected), expected))
  }
}

function next(ahead: Promise<Met>[]): Promise<Met> {
  return ahead.shift() ?? Promise.reject(damaged('it ends before its end'))
}

function nameOf(expected: Segment | string): string {
  return typeof expected === 'string' ? expected : expected.name
}

async function found(
  code: 'orphan_object' | 'object_missing',
  name: string,
  expected: Segment | string = '',
): Promise<Met> {
  const place = typeof expected === 'string' ? { first_seq: 0, last_seq: 0 } : expected
  const what = code === 'object_missing' ? 'is missing' : 'is not in the manifest, or not in its place'
  const finding = { code, seqFrom: place.first_seq, seqTo: place.last_seq, detail: `member ${name} ${what}` }
  return { finding }
}

/** It is awaited in its turn; until then its failure is nobody's. */
function unawaited(met: Promise<Met>): Promise<Met> {
  met.catch(() => undefined)
  return met
}

async function open(segment: Segment, { content: packed }: ReadMember): Promise<Met> {
  if (packed.length > BUNDLE_LIMITS.memberBytes) throw damaged('a segment larger than any can be')
  const content = await decompressSegment(packed)
  return { segment, content, sha256: await sha256Of(content) }
}
