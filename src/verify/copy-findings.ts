import type { EvidenceLog } from '../chain/evidence/evidence-log.js'
import { type Copy, type Finding, type FindingCode, rowsOf } from '../chain/finding.js'
import { Touched } from './evidence/touched.js'

/** The detail of `object_missing` for one row. */
export const OBJECT_MISSING = 'the row is archived, but its object is missing'

/** The details of `object_missing` for one row without a stamp. */
export const STAMP_REMOVED =
  'the row was archived when the pin was saved; now it has neither a stamp nor an object'
export const STAMP_SKIPPED =
  'rows after it are archived, and rows are archived in order; it has neither a stamp nor an object'

const UNDECIDED = 'both chain, so one was rewritten from here on; a head seen before shows which'

/** The rows of each copy that its own links show to be damaged. */
interface TouchedCopies {
  readonly postgres: Touched
  readonly mirror: Touched
}

/**
 * Joins the findings of two copies into one report: the differences between the copies, and what each copy shows by its
 * own links. A finding that both copies show is reported once. A finding that one copy shows names that copy. `log` holds
 * what the copies have at the rows.
 */
export function copyFindings(
  compared: readonly Finding[],
  postgres: readonly Finding[],
  mirror: readonly Finding[],
  log?: EvidenceLog,
): Finding[] {
  const ofPostgres = postgres.filter(isOfOneCopy)
  const ofMirror = mirror.filter((finding) => isOfOneCopy(finding) && !isPinAhead(finding))
  const touched = { postgres: new Touched(ofPostgres), mirror: new Touched(ofMirror) }
  const all = [...compared.map((finding) => withVerdict(finding, touched)), ...merged(ofPostgres, ofMirror)]
  if (log === undefined) return all
  return all.map((finding) => ({ ...finding, ...log.of(finding, originalOf(finding, touched)) }))
}

/** Codes that say which copy has lost a row. */
const LOST: Partial<Record<FindingCode, 'postgres' | 'mirror'>> = {
  row_missing: 'postgres',
  object_missing: 'mirror',
}

/** Returns the copy whose own links are intact at the rows of a finding, where those of the other copy are not. */
function originalOf(finding: Finding, touched: TouchedCopies): 'postgres' | 'mirror' | undefined {
  const lost = LOST[finding.code]
  const isPostgres = lost === 'postgres' || touched.postgres.isAt(finding)
  const isMirror = lost === 'mirror' || touched.mirror.isAt(finding)
  if (isPostgres === isMirror) return undefined
  return isPostgres ? 'mirror' : 'postgres'
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
function withVerdict(finding: Finding, { postgres, mirror }: TouchedCopies): Finding {
  if (finding.code !== 'copies_differ') return finding
  const verdict = verdictOf(postgres.isAt(finding), mirror.isAt(finding))
  return { ...finding, detail: `${finding.detail}: ${verdict}` }
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
    ...postgres.map((finding) => labelled(finding, inMirror.has(keyOf(finding)) ? 'both' : 'postgres')),
    ...alone.map((finding) => labelled(finding, 'mirror')),
  ]
}

function keyOf(finding: Finding): string {
  const { code, seqFrom, seqTo, expected, observed } = finding
  return [code, seqFrom, seqTo, expected, observed, rowsOf(finding)].join()
}

const LABELS = { postgres: 'Postgres', mirror: 'mirror', both: 'both copies' } as const satisfies Record<
  Copy,
  string
>

function labelled(finding: Finding, copy: Copy): Finding {
  return { ...finding, copy, detail: `${LABELS[copy]}: ${finding.detail}` }
}
