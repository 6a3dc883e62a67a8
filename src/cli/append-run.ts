import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import { AuditError } from '../errors.js'
import type { Placed } from '../ports.js'
import { wireTime } from '../query/wire.js'
import { appendStream, type StreamOutcome } from '../sink/append-stream.js'
import { type Candidate, fileCandidates, type InputFormat, ndjsonCandidates } from '../sink/candidates.js'
import { checkEntry } from '../sink/check-entry.js'
import type { Chains } from '../sink/residency.js'
import { entryOfFlags, givenEntryFlags } from './append-flags.js'
import type { Context } from './context.js'
import { EXIT, type ExitCode, exitOfError } from './exit-codes.js'
import type { Output } from './output.js'
import { startProgress } from './progress.js'
import { Rejects } from './rejects.js'

type EntryFlags = Parameters<typeof entryOfFlags>[0]

/** What `append` was asked to do. */
export interface AppendRequest extends EntryFlags {
  readonly files: readonly string[]
  readonly stdin: boolean
  readonly format?: string | undefined
  readonly rejects?: string | undefined
  readonly json: boolean
  /** domain_id of the chosen chain: the default of lines that name none. */
  readonly chain?: string | undefined
}

export async function runAppend(
  request: AppendRequest,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const candidates = candidatesOf(request)
  const entry = candidates === undefined ? checkEntry(entryOfFlags(request)) : undefined
  const sink = await context.sink(chainsOf(request.chain))
  if (candidates === undefined) {
    if (entry !== undefined) await printPlaced(await sink.record(entry), request, out)
    return EXIT.done
  }
  const rejects = request.rejects === undefined ? undefined : await Rejects.create(request.rejects)
  try {
    return await appendCandidates(sink, candidates, { request, rejects, out, signal })
  } finally {
    // A feeder may keep it open for ever, and an open pipe keeps this process alive.
    if (request.stdin) process.stdin.destroy()
    await rejects?.close()
  }
}

interface Run {
  readonly request: AppendRequest
  readonly rejects: Rejects | undefined
  readonly out: Output
  readonly signal: AbortSignal
}

async function appendCandidates(
  sink: Awaited<ReturnType<Context['sink']>>,
  candidates: AsyncIterable<Candidate>,
  { request, rejects, out, signal }: Run,
): Promise<ExitCode> {
  const progress = startProgress('append')
  let rows = 0
  let seen = 0
  /** The first entry that was not refused for what it is, but could not be written: that is exit 3. */
  let unable: Extract<StreamOutcome, { refused: AuditError }> | undefined
  try {
    const atRefusal = rejects === undefined ? 'stop' : 'continue'
    for await (const outcome of appendStream(sink, candidates, atRefusal, signal)) {
      seen += 1
      if ('placed' in outcome) {
        rows += outcome.placed.length
        await printPlaced(outcome.placed, request, out)
      } else if (rejects === undefined) {
        throw located(outcome.refused, outcome.candidate.where, rows)
      } else {
        await rejects.add(outcome.candidate.raw())
        unable ??= exitOfError(outcome.refused.code) === EXIT.refused ? undefined : outcome
      }
      progress.update({ rows })
    }
  } finally {
    await progress.stop()
  }
  if (seen === 0) throw new AuditError('invalid_input', 'the input holds no entry')
  if (rejects === undefined || rejects.count === 0) return EXIT.done
  const hint = `the refused lines are in ${request.rejects}`
  const counts = `${rejects.count} of ${seen} entries were refused, ${rows} rows appended`
  if (unable === undefined) throw new AuditError('invalid_input', counts, { hint })
  throw new AuditError(
    unable.refused.code,
    `${counts}; ${unable.candidate.where}: ${unable.refused.message}`,
    {
      hint,
    },
  )
}

function candidatesOf(request: AppendRequest): AsyncIterable<Candidate> | undefined {
  const { files, stdin, format } = request
  const flags = givenEntryFlags(request)
  const ways = [files.length > 0 && 'files', stdin && '--stdin', flags.length > 0 && `--${flags[0]}`]
  const given = ways.filter((way) => typeof way === 'string')
  if (given.length > 1) throw new AuditError('usage', `${given.join(' and ')} exclude each other`)
  if (stdin && format === 'cloudtrail')
    throw new AuditError('usage', '--stdin reads NDJSON; give CloudTrail files as arguments')
  if (stdin) return ndjsonCandidates(process.stdin, 'standard input')
  return files.length > 0 ? fileCandidates(files, (format ?? 'ndjson') as InputFormat) : undefined
}

function chainsOf(chain: string | undefined): Chains {
  if (chain === undefined) return {}
  return chain === PLATFORM_ANCHOR ? { platform: true } : { domainIds: [chain] }
}

function located(refused: AuditError, where: string, rows: number): AuditError {
  const message = refused.message.startsWith(where) ? refused.message : `${where}: ${refused.message}`
  const before =
    rows === 0 ? 'nothing was appended' : `${rows} rows before it were appended, nothing after it`
  const hint = refused.hint === undefined ? before : `${before}; ${refused.hint}`
  return new AuditError(refused.code, message, { hint, cause: refused })
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
