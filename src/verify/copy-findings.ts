import type { Finding } from '../chain/finding.js'

/** The detail of `object_missing` for one row. */
export const OBJECT_MISSING = 'the row is archived, but its object is missing'

const UNDECIDED = 'both chain, so one was rewritten from here on; a head seen before shows which'

/**
 * Joins the findings of two copies into one report: the differences between the copies, and what each copy shows by its
 * own links. A finding that both copies show is reported once. A finding that one copy shows names that copy.
 */
export function copyFindings(
  compared: readonly Finding[],
  postgres: readonly Finding[],
  mirror: readonly Finding[],
): Finding[] {
  const ofPostgres = postgres.filter(isOfOneCopy)
  const ofMirror = mirror.filter((finding) => isOfOneCopy(finding) && !isPinAhead(finding))
  return [
    ...compared.map((finding) => withVerdict(finding, ofPostgres, ofMirror)),
    ...merged(ofPostgres, ofMirror),
  ]
}

/** A row that one copy lacks is found by comparing the copies, so its gap in that copy is not reported again. */
function isOfOneCopy({ code }: Finding): boolean {
  return code !== 'seq_gap'
}

/** A pinned row may not be archived yet. If the mirror has lost the row, comparing the copies finds that. */
function isPinAhead({ code, observed }: Finding): boolean {
  return code === 'unexpected_head' && observed === undefined
}

/** Says which of two different copies still chains at the row. */
function withVerdict(finding: Finding, postgres: readonly Finding[], mirror: readonly Finding[]): Finding {
  if (finding.code !== 'copies_differ') return finding
  const verdict = verdictOf(postgres.some(isAt(finding)), mirror.some(isAt(finding)))
  return { ...finding, detail: `${finding.detail}: ${verdict}` }
}

/** A row that was edited and hashed again breaks the link of the row after it, so that row counts too. */
function isAt({ seqFrom, seqTo }: Finding): (other: Finding) => boolean {
  return (other) => other.seqFrom <= seqTo + 1 && other.seqTo >= seqFrom
}

function verdictOf(isPostgresTouched: boolean, isMirrorTouched: boolean): string {
  if (isPostgresTouched && isMirrorTouched) return 'neither copy is intact here'
  if (isPostgresTouched) return "PostgreSQL was changed; the mirror's chain is intact"
  if (isMirrorTouched) return 'the mirror was changed; the chain in PostgreSQL is intact'
  return UNDECIDED
}

/** Returns whether only a head seen before can show which of the two copies was rewritten. */
export function isUndecided({ code, detail }: Finding): boolean {
  return code === 'copies_differ' && detail.endsWith(UNDECIDED)
}

function merged(postgres: readonly Finding[], mirror: readonly Finding[]): Finding[] {
  const inMirror = new Set(mirror.map(keyOf))
  const inPostgres = new Set(postgres.map(keyOf))
  const alone = mirror.filter((finding) => !inPostgres.has(keyOf(finding)))
  return [
    ...postgres.map((finding) =>
      labelled(finding, inMirror.has(keyOf(finding)) ? 'both copies' : 'Postgres'),
    ),
    ...alone.map((finding) => labelled(finding, 'mirror')),
  ]
}

function keyOf({ code, seqFrom, seqTo, expected, observed }: Finding): string {
  return [code, seqFrom, seqTo, expected, observed].join()
}

function labelled(finding: Finding, copy: string): Finding {
  return { ...finding, detail: `${copy}: ${finding.detail}` }
}
