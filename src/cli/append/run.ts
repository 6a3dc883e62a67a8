import { setImmediate } from 'node:timers/promises'
import { appendStream, type StreamOutcome } from '../../append/append-stream.js'
import {
  type Candidate,
  fileCandidates,
  type InputFormat,
  ndjsonCandidates,
} from '../../append/input/candidates.js'
import { checkEntry } from '../../append/input/input-line.js'
import { type Chains, onlyChain } from '../../append/residency.js'
import type { Sink } from '../../append/sink.js'
import { AuditError } from '../../base/errors.js'
import { wireTime } from '../../base/wire-time.js'
import { openSink } from '../../compose/append.js'
import type { Context } from '../../compose/context.js'
import type { Placed } from '../../ports/append.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { CommandError } from '../shell/command-error.js'
import { EXIT, type ExitCode, exitOfError } from '../shell/exit-codes.js'
import { hintOf } from '../shell/hints.js'
import { entryOfFlags, givenEntryFlags } from './flags.js'
import { Rejects } from './rejects.js'

/** Outcomes that are printed before the event loop may read its sockets. */
const OUTCOMES_PER_TURN = 32

type EntryFlags = Parameters<typeof entryOfFlags>[0]

/** The arguments and flags of `append`. */
export interface AppendRequest extends EntryFlags {
  readonly files: readonly string[]
  readonly stdin: boolean
  readonly format?: string | undefined
  readonly rejects?: string | undefined
  readonly json: boolean
  /** The domain_id of the chosen chain, the default for lines that name no chain. */
  readonly chain?: string | undefined
  readonly 'idempotency-days'?: number | undefined
}

export async function runAppend(
  request: AppendRequest,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const ended = new AbortController()
  const candidates = candidatesOf(request, ended.signal)
  const entry = candidates === undefined ? checkEntry(entryOfFlags(request)) : undefined
  const sink = await openSink(context, {
    defaults: chainsOf(request.chain),
    idempotencyDays: request['idempotency-days'],
  })
  if (candidates === undefined) {
    if (entry !== undefined) await printPlaced(await sink.record(entry), request, out)
    return EXIT.done
  }
  const rejects = request.rejects === undefined ? undefined : await Rejects.create(request.rejects)
  try {
    return await appendCandidates(sink, candidates, { request, rejects, out, signal })
  } finally {
    // The writer of the pipe may never close it, and an open pipe keeps this process alive.
    if (request.stdin) process.stdin.destroy()
    ended.abort()
    await rejects?.close()
  }
}

interface Run {
  readonly request: AppendRequest
  readonly rejects: Rejects | undefined
  readonly out: Output
  readonly signal: AbortSignal
}

type Refused = Extract<StreamOutcome, { refused: AuditError }>

/** The progress of a run. */
interface Tally {
  rows: number
  seen: number
  /** The number of refused lines that are cut in the file of rejects. */
  cut: number
  /** The refusal to report: the first one that is not about the content of its line, otherwise the first one. */
  refused: Refused | undefined
}

async function appendCandidates(
  sink: Sink,
  candidates: AsyncIterable<Candidate>,
  run: Run,
): Promise<ExitCode> {
  const tally: Tally = { rows: 0, seen: 0, cut: 0, refused: undefined }
  try {
    await withProgress('append', (onProgress) => appendEach(sink, candidates, { ...run, tally, onProgress }))
  } catch (error) {
    throw error instanceof AuditError ? withRows(error, tally.rows) : error
  }
  if (tally.seen === 0) throw new AuditError('invalid_input', 'the input holds no entry')
  if (tally.refused !== undefined) throw someRefused(tally.refused, tally, run)
  return EXIT.done
}

async function appendEach(
  sink: Sink,
  candidates: AsyncIterable<Candidate>,
  run: Run & { readonly tally: Tally; readonly onProgress: (progress: { rows: number }) => void },
): Promise<void> {
  const { tally, onProgress } = run
  const atRefusal = run.rejects === undefined ? 'stop' : 'continue'
  for await (const outcome of appendStream(sink, candidates, atRefusal, run.signal)) {
    await settle(outcome, tally, run)
    onProgress({ rows: tally.rows })
    // The next group is being written. Its connection must not wait until a thousand lines are printed.
    if (tally.seen % OUTCOMES_PER_TURN === 0) await setImmediate()
  }
}

async function settle(outcome: StreamOutcome, tally: Tally, { request, rejects, out }: Run): Promise<void> {
  tally.seen += 1
  if ('placed' in outcome) {
    tally.rows += outcome.placed.length
    await printPlaced(outcome.placed, request, out)
  } else if (rejects === undefined) {
    const { code, advice } = outcome.refused
    throw new AuditError(code, located(outcome), { advice, cause: outcome.refused })
  } else {
    await rejects.add(outcome.candidate.raw())
    if (outcome.candidate.cut) tally.cut += 1
    if (tally.refused === undefined || (isOfLine(tally.refused) && !isOfLine(outcome)))
      tally.refused = outcome
  }
}

/** Returns whether an entry was refused for its content, and not because of its chain or the pepper. */
function isOfLine({ refused }: Refused): boolean {
  return exitOfError(refused.code) === EXIT.refused && refused.code !== 'pepper_mismatch'
}

function located({ refused, candidate: { where } }: Refused): string {
  return refused.message.startsWith(where) ? refused.message : `${where}: ${refused.message}`
}

/** Returns the error of a run with refused lines. It describes one of them; all are in the file. */
function someRefused(refused: Refused, { rows, seen, cut }: Tally, { request, rejects }: Run): AuditError {
  const code = isOfLine(refused) ? 'invalid_input' : refused.refused.code
  const counts = `${rejects?.count} of ${seen} entries were refused, ${rows} rows appended`
  const cuts = cut === 0 ? '' : `; ${cut} over 1 MiB are cut there`
  const hint = `the refused lines are in ${request.rejects}${cuts}`
  return new CommandError(code, `${counts}; ${located(refused)}`, hint)
}

/** Adds to an error how many rows were appended. Rows that were being committed or printed at the time may be stored as well. */
function withRows(error: AuditError, rows: number): AuditError {
  const open = error.code === 'outcome_unknown' || error.code === 'output_failed'
  const got = open ? `rows known to be appended: ${rows}` : `rows appended before it: ${rows}; after it: none`
  const hint = hintOf(error)
  return new CommandError(error.code, error.message, hint === undefined ? got : `${got}; ${hint}`, error)
}

function candidatesOf(request: AppendRequest, until: AbortSignal): AsyncIterable<Candidate> | undefined {
  const { files, stdin, format } = request
  const flags = givenEntryFlags(request)
  const ways = [files.length > 0 && 'files', stdin && '--stdin', flags.length > 0 && `--${flags[0]}`]
  const given = ways.filter((way) => typeof way === 'string')
  if (given.length > 1) throw new AuditError('usage', `${given.join(' and ')} exclude each other`)
  if (stdin && format === 'cloudtrail')
    throw new AuditError('usage', '--stdin reads NDJSON; give CloudTrail files as arguments')
  if (stdin) return ndjsonCandidates(process.stdin, 'standard input')
  if (files.length === 0) return refuseOfStreams(request)
  if (files.includes('')) throw new AuditError('usage', 'the name of a file is empty')
  if (files.includes('-')) throw new AuditError('usage', '- is not a file; for standard input: --stdin')
  return fileCandidates(files, (format ?? 'ndjson') as InputFormat, until)
}

/** Throws for flags of a stream. With one entry from flags they would be ignored silently. */
function refuseOfStreams({ rejects, format }: AppendRequest): undefined {
  if (rejects !== undefined) throw new AuditError('usage', '--rejects is for --stdin and files')
  if (format !== undefined) throw new AuditError('usage', '--format is for files')
}

function chainsOf(chain: string | undefined): Chains {
  return chain === undefined ? {} : onlyChain(chain)
}

async function printPlaced(
  placed: readonly Placed[],
  { json }: { json: boolean },
  out: Output,
): Promise<void> {
  for (const { domainId, seq, entryHash, recordedAt } of placed) {
    const time = wireTime(recordedAt)
    if (json) await out.json({ domain_id: domainId, seq, entry_hash: entryHash, recorded_at: time })
    else await out.line(`${domainId}  ${String(seq).padStart(9)}  ${entryHash}  ${time}`)
  }
}
