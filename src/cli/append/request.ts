import {
  type Candidates,
  fileCandidates,
  type InputFormat,
  ndjsonCandidates,
} from '../../append/input/candidates.js'
import { AuditError } from '../../base/errors.js'
import { DEFAULT_KEY_DAYS } from '../../ports/append.js'
import { type entryOfFlags, givenEntryFlags } from './flags.js'
import { ImportSummary } from './import-summary.js'
import type { InputShare } from './input-share.js'

type EntryFlags = Parameters<typeof entryOfFlags>[0]

/** The arguments and flags of `append`. */
export interface AppendRequest extends EntryFlags {
  readonly files: readonly string[]
  readonly stdin: boolean
  readonly format?: string | undefined
  readonly idempotent: boolean
  readonly rejects?: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  /** The domain_id of the chosen chain, the default for lines that name no chain. */
  readonly chain?: string | undefined
  readonly 'idempotency-days'?: number | undefined
}

/** Returns the summary of a run. With --idempotent it also says which files may be older than their keys. */
export function summaryOf({
  idempotent,
  'idempotency-days': days = DEFAULT_KEY_DAYS,
}: AppendRequest): ImportSummary {
  return new ImportSummary(idempotent ? { days, now: BigInt(Date.now()) * 1000n } : undefined)
}

/** Returns the entries of the streams or files that the request names, or undefined if its flags are one entry. */
export function candidatesOf(
  request: AppendRequest,
  until: AbortSignal,
  summary: ImportSummary,
  share: InputShare,
): Candidates | undefined {
  const { files, stdin, format, idempotent } = request
  const flags = givenEntryFlags(request)
  const ways = [files.length > 0 && 'files', stdin && '--stdin', flags.length > 0 && `--${flags[0]}`]
  if (idempotent && format !== 'cloudtrail')
    throw new AuditError(
      'usage',
      '--idempotent is for --format cloudtrail; other lines have an idempotency_key',
    )
  const given = ways.filter((way) => typeof way === 'string')
  if (given.length > 1) throw new AuditError('usage', `${given.join(' and ')} exclude each other`)
  if (stdin && format === 'cloudtrail')
    throw new AuditError('usage', '--stdin reads NDJSON; give CloudTrail files as arguments')
  if (stdin) return ndjsonCandidates(process.stdin, 'standard input')
  if (files.length === 0) return refuseOfStreams(request)
  if (files.includes('')) throw new AuditError('usage', 'the name of a file is empty')
  if (files.includes('-')) throw new AuditError('usage', '- is not a file; for standard input: --stdin')
  const onSkipped = summary.addSkipped.bind(summary)
  return fileCandidates(files, (format ?? 'ndjson') as InputFormat, {
    until,
    idempotent,
    onSkipped,
    onRead: share.add.bind(share),
  })
}

/** Throws for flags of a stream. With one entry from flags they would be ignored silently. */
function refuseOfStreams({ rejects, format }: AppendRequest): undefined {
  if (rejects !== undefined) throw new AuditError('usage', '--rejects is for --stdin and files')
  if (format !== undefined) throw new AuditError('usage', '--format is for files')
}
