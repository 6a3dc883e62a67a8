import type { Context } from '../../compose/context.js'
import { openRows, type RowsFrom } from '../../compose/read/rows.js'
import type { EntryFilter } from '../../ports/query.js'
import type { SourceName } from '../../ports/verify.js'
import { subjectFilter } from '../query/flags.js'

/** The copy that a report is about. The chain of a bundle may be left out. */
interface ReportFrom {
  readonly source: SourceName
  readonly file?: string | undefined
  readonly domainId?: string | undefined
}

/** Returns the filter of `--subject-id`, whose pseudonym is derived for the chain of the copy; without the flag, no filter. */
export async function reportSubject(
  context: Context,
  from: ReportFrom,
  subjectId: string | undefined,
): Promise<Pick<EntryFilter, 'subjectPseudonym'>> {
  if (subjectId === undefined) return {}
  return subjectFilter(context, await openRows(context, rowsFrom(from)), subjectId)
}

function rowsFrom({ source, file = '', domainId = '' }: ReportFrom): RowsFrom {
  if (source === 'bundle') return { source, path: file, domainId: domainId === '' ? undefined : domainId }
  return { source: source === 'mirror' ? 'mirror' : 'postgres', domainId }
}
