import { setImmediate } from 'node:timers/promises'
import { appendStream, type StreamOutcome } from '../../append/append-stream.js'
import type { Candidates } from '../../append/input/candidates.js'
import { checkEntry } from '../../append/input/input-line.js'
import { type Chains, onlyChain } from '../../append/residency.js'
import type { Sink } from '../../append/sink.js'
import { AuditError } from '../../base/errors.js'
import { openSink } from '../../compose/append.js'
import type { Context } from '../../compose/context.js'
import { isHomeWithoutDatabase } from '../../compose/database.js'
import type { Placed } from '../../ports/append.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import type { WorkProgress } from '../output/progress-line.js'
import { safeText } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { CommandError } from '../shell/command-error.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { hintOf } from '../shell/hints.js'
import { entryOfFlags } from './flags.js'
import type { ImportSummary } from './import-summary.js'
import { InputShare } from './input-share.js'
import { placedJson, placedLine } from './placed-line.js'
import { assertReadable } from './readable-files.js'
import { countRefused, located, type Refused, someRefused, type Tally, tallyText } from './refused.js'
import { noEntry, rehearse, rehearseFirst } from './rehearse.js'
import { Rejects } from './rejects.js'
import { type AppendRequest, candidatesOf, summaryOf } from './request.js'

/** Outcomes that are printed before the event loop may read its sockets: the next group is being written meanwhile. */
const OUTCOMES_PER_TURN = 250

export async function runAppend(
  request: AppendRequest,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const ended = new AbortController()
  const startedAt = performance.now()
  const summary = summaryOf(request)
  const share = await InputShare.of(request.files)
  const candidates = candidatesOf(request, ended.signal, summary, share)
  const entry = candidates === undefined ? checkEntry(entryOfFlags(request)) : undefined
  await assertReadable(request.files, request.rejects !== undefined)
  const defaults = chainsOf(request.chain)
  // A refusal creates no home. With --rejects a refusal does not end the run.
  const isNew = await isHomeWithoutDatabase(context)
  const open = () => openSink(context, { defaults, idempotencyDays: request['idempotency-days'] })
  if (candidates === undefined) {
    if (entry === undefined) return EXIT.done
    if (isNew) await rehearse(entry, defaults)
    await printPlaced(await (await open()).record(entry), request, out)
    return EXIT.done
  }
  const rejects = request.rejects === undefined ? undefined : await Rejects.create(request.rejects)
  const tally: Tally = {
    rows: 0,
    chains: new Set(),
    hasKeys: false,
    seen: 0,
    entries: 0,
    files: [],
    cut: 0,
    refused: undefined,
  }
  let isDone = false
  try {
    const isRehearsed = isNew && rejects === undefined
    const given = isRehearsed
      ? await rehearseFirst(candidates, defaults, () => summary.skipped === 0)
      : candidates
    const run = { request, rejects, summary, share, tally, out, signal }
    const code = await appendCandidates(await open(), given, run)
    isDone = true
    return code
  } finally {
    // The writer of the pipe may never close it, and an open pipe keeps this process alive.
    if (request.stdin) process.stdin.destroy()
    ended.abort()
    for (const line of summary.lines()) note(safeText(line))
    // An error says itself how many rows were appended.
    if (isDone && !request.quiet && !request.json) note(tallyText(tally, performance.now() - startedAt))
    await rejects?.close()
  }
}

type PlacedOutcome = Exclude<StreamOutcome, Refused>

interface Run {
  readonly request: AppendRequest
  readonly rejects: Rejects | undefined
  readonly summary: ImportSummary
  readonly share: InputShare
  readonly tally: Tally
  readonly out: Output
  readonly signal: AbortSignal
}

async function appendCandidates(sink: Sink, candidates: Candidates, run: Run): Promise<ExitCode> {
  const { tally } = run
  try {
    await withProgress(
      'append',
      (onProgress) => appendEach(sink, candidates, { ...run, onProgress }),
      'writing',
    )
  } catch (error) {
    throw error instanceof AuditError ? withRows(error, tally.rows) : error
  }
  if (tally.refused !== undefined) throw someRefused(tally.refused, tally, run.rejects)
  if (tally.seen === 0 && run.summary.skipped === 0) throw noEntry()
  return EXIT.done
}

async function appendEach(
  sink: Sink,
  candidates: Candidates,
  run: Run & { readonly onProgress: (progress: WorkProgress) => void },
): Promise<void> {
  const { tally, share, onProgress } = run
  const atRefusal = run.rejects === undefined ? 'stop' : 'continue'
  for await (const outcomes of appendStream(sink, candidates, atRefusal, run.signal)) {
    for (let start = 0; start < outcomes.length; start += OUTCOMES_PER_TURN) {
      if (start > 0) await setImmediate()
      await settle(outcomes.slice(start, start + OUTCOMES_PER_TURN), run)
      onProgress({ rows: tally.rows, share: share.share })
    }
  }
}

async function settle(outcomes: readonly StreamOutcome[], run: Run): Promise<void> {
  let placed: Placed[] = []
  for (const outcome of outcomes) {
    if (outcome.candidate.isFile !== true) run.tally.seen += 1
    if ('placed' in outcome) {
      countPlaced(outcome, run)
      placed.push(...outcome.placed)
      continue
    }
    await printPlaced(placed, run.request, run.out)
    placed = []
    await refuse(outcome, run)
  }
  await printPlaced(placed, run.request, run.out)
}

function countPlaced({ candidate, placed }: PlacedOutcome, { request, summary, tally }: Run): void {
  tally.rows += placed.length
  for (const { domainId } of placed) tally.chains.add(domainId)
  tally.hasKeys ||= 'idempotencyKey' in candidate.entry && candidate.entry.idempotencyKey !== undefined
  if (request.format === 'cloudtrail') summary.add(candidate)
}

/** Throws the refusal, or keeps the line in the file of rejects. */
async function refuse(outcome: Refused, { rejects, tally }: Run): Promise<void> {
  const { candidate, refused } = outcome
  if (rejects === undefined) {
    throw new AuditError(refused.code, located(outcome), { advice: refused.advice, cause: refused })
  }
  const raw = candidate.raw()
  if (raw !== undefined) await rejects.add(raw)
  countRefused(outcome, tally)
}

/** Adds to an error how many rows were appended. Rows that were being committed or printed at the time may be stored as well. */
function withRows(error: AuditError, rows: number): AuditError {
  const open = error.code === 'outcome_unknown' || error.code === 'output_failed'
  const got = open ? `rows known to be appended: ${rows}` : `rows appended before it: ${rows}; after it: none`
  const hint = hintOf(error)
  return new CommandError(error.code, error.message, hint === undefined ? got : `${got}; ${hint}`, error)
}

function chainsOf(chain: string | undefined): Chains {
  return chain === undefined ? {} : onlyChain(chain)
}

async function printPlaced(
  placed: readonly Placed[],
  { json, quiet }: Pick<AppendRequest, 'json' | 'quiet'>,
  out: Output,
): Promise<void> {
  if (placed.length === 0 || (quiet && !json)) return
  const { screen } = out
  await out.lines(placed.map((row) => (json ? placedJson(row) : placedLine(row, screen))))
}
