import type { Finding } from '../chain/finding.js'

/**
 * The findings of two copies as one report: what comparing them found, and what each shows by its own links. Of the
 * latter, what both show alike is said once; what one shows alone names it.
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

/** What one copy lacks is told by comparing them. */
function isOfOneCopy({ code }: Finding): boolean {
  return code !== 'seq_gap'
}

/** A row that was pinned may not be archived yet; that the mirror has lost it is told by comparing, too. */
function isPinAhead({ code, observed }: Finding): boolean {
  return code === 'unexpected_head' && observed === undefined
}

/** Two copies that differ: which of them still chains there? */
function withVerdict(finding: Finding, postgres: readonly Finding[], mirror: readonly Finding[]): Finding {
  if (finding.code !== 'copies_differ') return finding
  const verdict = verdictOf(postgres.some(isAt(finding)), mirror.some(isAt(finding)))
  return { ...finding, detail: `${finding.detail}: ${verdict}` }
}

/** A row that was edited and hashed anew shows in the link of the row after it. */
function isAt({ seqFrom, seqTo }: Finding): (other: Finding) => boolean {
  return (other) => other.seqFrom <= seqTo + 1 && other.seqTo >= seqFrom
}

function verdictOf(isPostgresTouched: boolean, isMirrorTouched: boolean): string {
  if (isPostgresTouched && isMirrorTouched) return 'neither chains here'
  if (isPostgresTouched) return 'Postgres was touched, the mirror still chains'
  if (isMirrorTouched) return 'the mirror was touched, Postgres still chains'
  return 'both chain, so one was rewritten from here on; a head seen before shows which'
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
