import { AuditError } from '../../base/errors.js'
import type { ExportRequest } from '../../ports/bundle.js'
import { parseFilter } from '../../query/list-query.js'
import { listParameters } from '../query/flags.js'
import { parseSegment } from '../verify/flags.js'

/** Parses the selection of `export`, except `--subject-id`. Throws `usage`, or the error for an invalid value. */
export function parseExport(domainId: string, flags: Readonly<Record<string, unknown>>): ExportRequest {
  const { from, to, reason, ...others } = parseFilter(listParameters(flags))
  const segment = parseSegment(domainId, flags)
  if ((from ?? to) !== undefined && (segment.fromSeq ?? segment.toSeq) !== undefined) {
    throw new AuditError('usage', '--from and --to exclude --from-seq and --to-seq')
  }
  if (reason === 'unknown') throw new AuditError('usage', 'reason unknown: cannot be exported by itself')
  const filter = { ...others, reason }
  const given = Object.entries(filter).filter(([, value]) => value !== undefined)
  return { domainId, ...segment, from, to, filter: Object.fromEntries(given) }
}
