import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { RowReason } from '../../base/row-filter.js'
import type { Reason } from '../../chain/reason.js'
import type { ExportRequest } from '../../ports/bundle.js'
import { parseFilter } from '../../query/list-query.js'
import { parseSegment } from '../flags/segment.js'
import { filterFlags, listParameters } from '../query/flags.js'
import { CommandError } from '../shell/command-error.js'

/** The filters of `export`. The manifest of a bundle has room for one reason, so `--denied` is hidden and refused. */
export const exportFilterFlags = {
  ...filterFlags,
  reason: Flags.string({
    helpGroup: 'FILTER',
    summary: 'rows with this reason: granted, out_of_scope, insufficient_relation or caveat_violation',
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
  }),
  denied: Flags.boolean({ ...filterFlags.denied, hidden: true }),
}

/** Parses the selection of `export`, except `--subject-id`. Throws `usage`, or the error for an invalid value. */
export function parseExport(flags: Readonly<Record<string, unknown>>): Omit<ExportRequest, 'domainId'> {
  if (flags.denied === true) {
    throw new CommandError(
      'usage',
      '--denied: the manifest of an evidence file has room for one reason, and these are several',
      'export each reason by itself: --reason out_of_scope, insufficient_relation or caveat_violation; to look at all of them: audit list --denied',
    )
  }
  const { from, to, reasons = [], ...others } = parseFilter(listParameters(flags))
  const segment = parseSegment('one chain', flags)
  if ((from ?? to) !== undefined && (segment.fromSeq ?? segment.toSeq) !== undefined) {
    throw new AuditError('usage', '--from, --to and --since exclude --from-seq and --to-seq')
  }
  const filter = { ...others, reason: oneReason(reasons) }
  const given = Object.entries(filter).filter(([, value]) => value !== undefined)
  return { ...segment, from, to, filter: Object.fromEntries(given) }
}

/** The manifest of a bundle has room for one reason, and every verifier that was ever shipped reads it. */
function oneReason(reasons: readonly RowReason[]): Reason | undefined {
  const [reason, second] = new Set(reasons)
  if (second !== undefined) {
    throw new AuditError('usage', 'expected one reason: the manifest of a bundle cannot name several')
  }
  if (reason === 'unknown') throw new AuditError('usage', 'reason unknown: cannot be exported by itself')
  return reason
}
