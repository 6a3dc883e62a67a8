import { AuditError } from '../base/errors.js'
import type { ChainedEntry } from '../chain/entry.js'
import { type Finding, inOrder } from '../chain/finding.js'
import { asHash, type Hasher, ZERO_HASH } from '../chain/hash.js'
import { judgeHead } from '../chain/head.js'
import type { ArchiveQueue, RunFacts } from '../ports/archive.js'
import { MAX_OBJECT_BYTES, type MirrorCodec, type MirrorStore } from '../ports/mirror.js'
import { type SourcedFinding, sourced } from './findings.js'
import type { Mirror } from './mirrors.js'
import { isMadeOf, type JudgedRun, type RunGroup, RunJudge } from './run-judge.js'

/** Rows that are read, judged, uploaded and stamped together; bounds memory, and what a crash makes us do again. */
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
  /** The run ends before the first archived row beyond this one. */
  readonly pastSeq: number
  /** Which of its rows are to be uploaded. Asked in ascending order. */
  readonly counts: (seq: number) => boolean
}

/** What of a run may be uploaded. */
export interface ProvenRun {
  readonly groups: readonly RunGroup[]
  /** Beyond which seq to look for more. */
  readonly end: number
  /** Rows that must not be uploaded. */
  readonly held: number
  /** Rows that cannot be judged by this program. */
  readonly failed: number
  readonly error?: AuditError | undefined
  readonly findings: readonly SourcedFinding[]
}

/**
 * Judges a whole run of unarchived rows before any of it is uploaded, in one snapshot with the chain head: from the
 * archived row before it, to the archived row after it or to the head. Those two are asked of the mirror, where it has
 * them: what is there cannot be rewritten together with the rows. What is uploaded later is compared with the hashes
 * seen here. Rows that were rewritten to the end, and the head with them, fit everywhere: only a pin tells. Undefined
 * where the signal came before the end.
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
  // A row that went since it was asked for must not be asked for again.
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
    // What is appended to a run that nothing proves is no better than the run.
    end: isOpen && !(fits && run.isEndProven) ? Number.MAX_SAFE_INTEGER : run.lastSeq,
    held,
    failed,
    error: failed === 0 ? undefined : unknownGeneration(),
    findings: sourced('postgres', findings),
  }
}

/** Without an object the row of Postgres before the run counts; without both the link is not judged, as after a gap. */
function startProblem(
  { first, before }: JudgedRun,
  archived: ChainedEntry | undefined,
  hasher: Hasher,
): Finding[] {
  const stored = first?.seq === 1 ? ZERO_HASH : asHash(before?.entryHash)
  const hash = archived?.entryHash ?? stored
  if (first === undefined || hash === undefined || first.prevHash === hash || isMadeOf(first, hash, hasher)) {
    return []
  }
  return [brokenLink(first.seq, hash, first.prevHash, 'it does not link to the archived row before it')]
}

function endProblem({ lastSeq, lastHash }: JudgedRun, archived: ChainedEntry | undefined): Finding[] {
  // After a gap, or a row without a hash, there is no link to judge; nothing proves the run then either.
  if (archived?.seq !== lastSeq + 1 || lastHash === undefined || archived.prevHash === lastHash) return []
  const detail = 'as archived it does not link to the row before it'
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

/** A link that Postgres alone shows to be broken is not told again. */
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

/** The row that the mirror has there. What is no row of ours, or may not be read, proves nothing: verify judges that. */
async function archivedRow(
  place: { domainId: string; seq: number },
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<ChainedEntry | undefined> {
  try {
    const object = await store.get(codec.key(place.domainId, place.seq), MAX_OBJECT_BYTES, signal)
    const decoded = object === undefined ? undefined : await codec.decode(object.bytes, place)
    return decoded !== undefined && 'entry' in decoded ? decoded.entry : undefined
  } catch (error) {
    // An archiver's credentials may be for writing alone.
    if (error instanceof AuditError && error.code === 'mirror_permission_denied') return undefined
    throw error
  }
}

function unknownGeneration(): AuditError {
  return new AuditError('generation_unknown', 'a row is of a generation that this program does not know', {
    advice: { code: 'upgrade' },
  })
}
