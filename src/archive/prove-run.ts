import { AuditError } from '../base/errors.js'
import type { ChainedEntry } from '../chain/entry.js'
import { type Finding, inOrder } from '../chain/finding.js'
import { asHash, type Hasher, ZERO_HASH } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import type { ArchiveQueue, RunFacts } from '../ports/archive.js'
import { MAX_OBJECT_BYTES, type MirrorCodec, type MirrorStore, type RowId } from '../ports/mirror.js'
import { type SourcedFinding, sourced } from './findings.js'
import type { Mirror } from './mirrors.js'
import { isHashedFrom, type JudgedRun, type RunGroup, RunJudge } from './run-judge.js'

/** Rows that are read, judged, uploaded and stamped together. Limits the memory, and the work that a crash repeats. */
export const BATCH = 250

export interface ProveDeps {
  readonly queue: Pick<ArchiveQueue, 'scan'>
  readonly codec: MirrorCodec
  readonly hasher: Hasher
  readonly mirror: Mirror
}

export interface RunRequest {
  readonly domainId: string
  readonly fromSeq: number
  /** The run ends before the first archived row beyond this seq. */
  readonly pastSeq: number
  /** Whether a row is to be uploaded. Called with ascending seqs. */
  readonly counts: (seq: number) => boolean
}

/** The part of a run that may be uploaded. */
export interface ProvenRun {
  readonly groups: readonly RunGroup[]
  /** The seq beyond which to look for more rows. */
  readonly end: number
  /** Rows that must not be uploaded. */
  readonly held: number
  /** Rows that this program cannot judge. */
  readonly failed: number
  readonly error?: AuditError | undefined
  readonly findings: readonly SourcedFinding[]
}

/**
 * Judges a whole run of unarchived rows before any of them is uploaded, in one snapshot with the chain head. A run goes
 * from the archived row before it to the archived row after it, or to the head. The two archived rows are read from the
 * mirror where it has them, because objects cannot be rewritten together with rows. Rows that are uploaded later are
 * compared with the hashes seen here. If every row to the end was rewritten together with the head, all of them fit:
 * only a pin shows it. Resolves with undefined where the signal came before the end.
 */
export async function proveRun(
  request: RunRequest,
  deps: ProveDeps,
  signal: AbortSignal,
): Promise<ProvenRun | undefined> {
  try {
    return await prove(request, deps, signal)
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

async function prove(request: RunRequest, deps: ProveDeps, signal: AbortSignal): Promise<ProvenRun> {
  const { facts, run } = await scan(request, deps, signal)
  const { store } = deps.mirror
  const objectOf = (seq: number) =>
    archivedRow({ domainId: request.domainId, seq }, store, deps.codec, signal)
  const [before, next] = await Promise.all([
    request.fromSeq > 1 ? objectOf(request.fromSeq - 1) : undefined,
    facts.stampedSeq === undefined ? undefined : objectOf(facts.stampedSeq),
  ])
  const misfits = [...startProblem(run, before, deps.hasher), ...endProblem(run, next)]
  const head = facts.stampedSeq === undefined ? judgeHead(facts.head, facts.last) : undefined
  const found = [...run.findings, ...(head === undefined ? [] : [head]), ...misfits]
  const judged = proven(run, facts, misfits.length === 0, inOrder(withoutRepeats(found)))
  // Do not ask again for a row that was deleted after it was found.
  return { ...judged, end: Math.max(judged.end, request.fromSeq) }
}

async function scan(
  { domainId, fromSeq, pastSeq, counts }: RunRequest,
  { queue, hasher }: ProveDeps,
  signal: AbortSignal,
): Promise<{ facts: RunFacts; run: JudgedRun }> {
  let judge = new RunJudge({ fromSeq, groupRows: BATCH, counts, hasher })
  const facts = await queue.scan(
    domainId,
    { fromSeq, pastSeq },
    (seen) => {
      judge = new RunJudge({ fromSeq, ...seen, groupRows: BATCH, counts, hasher })
      return (row) => judge.add(row)
    },
    signal,
  )
  return { facts, run: judge.finish() }
}

function proven(run: JudgedRun, facts: RunFacts, fits: boolean, findings: readonly Finding[]): ProvenRun {
  const isOpen = facts.stampedSeq === undefined
  const held = fits ? run.held : run.rows
  const failed = fits ? run.unchecked : 0
  return {
    groups: fits ? run.groups : [],
    // Rows that are appended to an unproven run are not proven either.
    end: isOpen && !(fits && run.isEndProven) ? Number.MAX_SAFE_INTEGER : run.lastSeq,
    held,
    failed,
    error: failed === 0 ? undefined : unknownGeneration(),
    findings: sourced('postgres', findings),
  }
}

/**
 * Without an object, the row that PostgreSQL has before the run counts. Without both, as after a gap, the link is not
 * judged.
 */
function startProblem(
  { first, before }: JudgedRun,
  archived: ChainedEntry | undefined,
  hasher: Hasher,
): Finding[] {
  const stored = first?.seq === 1 ? ZERO_HASH : asHash(before?.entryHash)
  const hash = archived?.entryHash ?? stored
  if (
    first === undefined ||
    hash === undefined ||
    first.prevHash === hash ||
    isHashedFrom(first, hash, hasher)
  ) {
    return []
  }
  return [brokenLink(first.seq, hash, first.prevHash, 'the row does not link to the archived row before it')]
}

function endProblem({ lastSeq, lastHash }: JudgedRun, archived: ChainedEntry | undefined): Finding[] {
  // After a gap, or a row without a hash, there is no link to judge, and the run is not proven.
  if (archived?.seq !== lastSeq + 1 || lastHash === undefined || archived.prevHash === lastHash) return []
  const detail = 'the archived row does not link to the row before it'
  return [brokenLink(archived.seq, lastHash, archived.prevHash, detail)]
}

function brokenLink(
  seq: number,
  expected: string | undefined,
  observed: string | undefined,
  detail: string,
): Finding {
  return { code: 'broken_link', seqFrom: seq, seqTo: seq, expected, observed: asHash(observed), detail }
}

/** Leaves out a broken link that the rows of PostgreSQL alone show already. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  return findings.filter(
    (one, i) =>
      !findings
        .slice(0, i)
        .some(
          ({ code, seqFrom, seqTo }) => code === one.code && seqFrom <= one.seqFrom && seqTo >= one.seqTo,
        ),
  )
}

/** Returns the row that the mirror has. An object that is malformed or may not be read proves nothing; verify judges it. */
async function archivedRow(
  row: RowId,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<ChainedEntry | undefined> {
  try {
    const object = await store.get(codec.key(row.domainId, row.seq), MAX_OBJECT_BYTES, signal)
    const decoded = object === undefined ? undefined : await codec.decode(object.bytes, row)
    return decoded !== undefined && 'entry' in decoded ? decoded.entry : undefined
  } catch (error) {
    // The archiver's credentials may allow writes only.
    if (error instanceof AuditError && error.code === 'mirror_permission_denied') return undefined
    throw error
  }
}

function unknownGeneration(): AuditError {
  return new AuditError('generation_unknown', 'a row is of a generation that this program does not know', {
    advice: { code: 'upgrade' },
  })
}
