import { hash } from 'node:crypto'
import type { Finding, Findings } from '../chain/finding.js'
import { BUNDLE_LIMITS, damaged } from './bundle-format.js'
import type { ReadMember } from './bundle-members.js'
import { decompressSegment } from './gzip.js'
import type { BundleFile, Manifest, Segment } from './manifest.js'

/** A segment that the manifest names, in its place. */
export interface FoundSegment {
  readonly segment: Segment
  readonly content: Buffer
}

/** Segments that are decompressed ahead of the reader. */
const AHEAD = 3

type Expected = BundleFile | Segment

/**
 * Compares the members after the manifest with those that it names, in the manifest's order. What is missing, too much
 * or out of its place is a finding; a file or segment that is not the one that was counted is found by its sums.
 */
export class BundleWalk {
  readonly #expected: readonly Expected[]
  readonly #places: ReadonlyMap<string, number>
  readonly #findings: Findings
  #next = 0

  constructor({ files, segments }: Manifest, findings: Findings) {
    this.#expected = [...files, ...segments]
    this.#places = new Map(this.#expected.map(({ name }, place) => [name, place]))
    this.#findings = findings
  }

  /**
   * The segments in order, decompressed several at once. Damage of the file is told after what stands before it.
   * Rejects as readMembers does.
   */
  async *segments(members: AsyncIterable<ReadMember>): AsyncGenerator<FoundSegment> {
    const opening: Promise<FoundSegment>[] = []
    try {
      for await (const member of members) {
        const segment = this.#meet(member)
        if (segment === undefined) continue
        opening.push(opened(segment, member))
        if (opening.length > AHEAD) yield await (opening.shift() as Promise<FoundSegment>)
      }
    } catch (error) {
      while (opening.length > 0) yield await (opening.shift() as Promise<FoundSegment>)
      throw error
    } finally {
      await Promise.allSettled(opening)
    }
    while (opening.length > 0) yield await (opening.shift() as Promise<FoundSegment>)
    this.#miss(this.#expected.length)
  }

  /** The segment that a member is, where it is one in its place. */
  #meet({ name, content }: ReadMember): Segment | undefined {
    const place = this.#places.get(name)
    if (place === undefined || place < this.#next) {
      this.#find('orphan_object', undefined, `member ${name} is not one of the manifest, or not in its place`)
      return undefined
    }
    this.#miss(place)
    this.#next = place + 1
    const expected = this.#expected[place]
    if (expected === undefined) return undefined
    if (isSegment(expected)) return expected
    if (!isCounted(expected, content))
      this.#find('object_malformed', undefined, `${name} is not the one that the manifest counts`)
    return undefined
  }

  /** Reports what should have come before `place`. */
  #miss(place: number): void {
    for (; this.#next < place; this.#next += 1) {
      const expected = this.#expected[this.#next]
      if (expected !== undefined) this.#find('object_missing', expected, `member ${expected.name} is missing`)
    }
  }

  #find(code: Finding['code'], expected: Expected | undefined, detail: string): void {
    const isOfRows = expected !== undefined && isSegment(expected)
    const [seqFrom, seqTo] = isOfRows ? [expected.first_seq, expected.last_seq] : [0, 0]
    this.#findings.add({ code, seqFrom, seqTo, detail })
  }
}

/** Whether content is what the manifest counts. */
export function isCounted({ bytes, sha256 }: Expected, content: Buffer): boolean {
  return content.length === bytes && hash('sha256', content) === sha256
}

function isSegment(expected: Expected): expected is Segment {
  return 'rows' in expected
}

function opened(segment: Segment, { content }: ReadMember): Promise<FoundSegment> {
  if (content.length > BUNDLE_LIMITS.memberBytes) throw damaged('a segment larger than any can be')
  const opening = decompressSegment(content).then((rows) => ({ segment, content: rows }))
  // It is awaited in its turn; until then its failure is nobody's.
  opening.catch(() => undefined)
  return opening
}
