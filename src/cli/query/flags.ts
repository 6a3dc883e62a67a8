import * as Flags from '@oclif/core/flags'
import type { RowReason } from '../../base/row-filter.js'
import { REASONS } from '../../chain/reason.js'
import type { Context } from '../../compose/context.js'
import { openPepper } from '../../compose/pepper.js'
import { openEntryReader } from '../../compose/query.js'
import type { OpenRows } from '../../compose/read/rows.js'
import type { EntryFilter } from '../../ports/query.js'
import { type ListParameters, parseEventRange } from '../../query/list-query.js'
import { subjectPseudonym } from '../../query/subject.js'
import { note } from '../output/streams.js'
import { completeTime, timeBounds } from './times.js'

/** A reason that this program does not know was forced into the table. It is not a grant. */
const DENIED: readonly RowReason[] = [...REASONS.filter((reason) => reason !== 'granted'), 'unknown']

const filterFlag = (summary: string, helpValue: string) =>
  Flags.string({ helpGroup: 'FILTER', summary, helpValue })

/** The flags that select rows by their fields. Read with {@link listParameters} and {@link subjectFilter}. */
export const filterFlags = {
  subject: Flags.string({
    helpGroup: 'FILTER',
    summary: 'rows with this subject, given as a pseudonym',
    helpValue: 'HEX',
    exclusive: ['subject-id'],
  }),
  'subject-id': filterFlag(
    'rows with this subject, given as an id; derives the pseudonym with the pepper',
    'TEXT',
  ),
  relation: filterFlag('rows with this relation: the action that was done or requested', 'TEXT'),
  object: Flags.string({
    helpGroup: 'FILTER',
    summary: 'rows with this object, as type:id',
    helpValue: 'TYPE:ID',
    exclusive: ['object-type', 'object-id'],
  }),
  'object-type': filterFlag('rows whose object has this type: the text before the first colon', 'TEXT'),
  'object-id': filterFlag('rows whose object has this id: the text after the first colon', 'TEXT'),
  reason: Flags.string({
    helpGroup: 'FILTER',
    summary:
      'rows with this reason: granted, out_of_scope, insufficient_relation, caveat_violation or unknown; repeat it for rows with any of several',
    helpValue: 'NAME',
    multiple: true,
    multipleNonGreedy: true,
  }),
  denied: Flags.boolean({
    helpGroup: 'FILTER',
    summary: 'rows with any reason but granted, unknown included',
    exclusive: ['reason'],
  }),
  'correlation-id': filterFlag('rows of the request with this id', 'TEXT'),
}

/** The flags that select rows by the time of their recording. Read with {@link listParameters}; `noteTimes` says what was read. */
export const timeFlags = {
  from: filterFlag('rows recorded at or after this time; a day begins at 00:00 UTC', 'TIME'),
  to: filterFlag('rows recorded at or before this time; a day ends with its last microsecond, UTC', 'TIME'),
  since: Flags.string({
    helpGroup: 'FILTER',
    summary: 'rows recorded in the last 30m, 24h, 7d, 2w, … before now',
    helpValue: 'DURATION',
    exclusive: ['from'],
  }),
}

/** The flags that select rows by the event's own time, which only PostgreSQL has. Read with {@link eventRange}. */
export const eventTimeFlags = {
  'event-from': filterFlag('rows of imported events that happened at or after this time', 'TIME'),
  'event-to': filterFlag('rows of imported events that happened at or before this time', 'TIME'),
}

/** Returns the filter of the event time flags. Throws `invalid_range`. */
export function eventRange(flags: {
  readonly 'event-from'?: string | undefined
  readonly 'event-to'?: string | undefined
}): Pick<EntryFilter, 'eventFrom' | 'eventTo'> {
  const { 'event-from': from, 'event-to': to } = flags
  return parseEventRange({
    from: from === undefined ? undefined : completeTime(from, 'from', 'event_from'),
    to: to === undefined ? undefined : completeTime(to, 'to', 'event_to'),
  })
}

/** Returns the parameters of a list. Throws `invalid_range` for a time that cannot be read. */
export function listParameters(flags: Readonly<Record<string, unknown>>): ListParameters {
  const text = (name: string) => {
    const value = flags[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    subject: text('subject'),
    relation: text('relation'),
    object: text('object'),
    objectType: text('object-type'),
    objectId: text('object-id'),
    reasons: reasonsOf(flags),
    ...timeBounds({ from: text('from'), to: text('to'), since: text('since') }),
    correlationId: text('correlation-id'),
  }
}

/** Returns the reasons to select: those of `--reason`, or for `--denied` everything that is not `granted`. */
function reasonsOf({ reason, denied }: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  if (denied === true) return DENIED
  return Array.isArray(reason) ? reason.map(String) : undefined
}

/** Returns a filter with the pseudonym of `--subject-id`, or an empty filter without the flag. */
export async function subjectFilter(
  context: Context,
  { reader, domainId }: Pick<OpenRows, 'reader' | 'domainId'>,
  subjectId: string | undefined,
): Promise<Pick<EntryFilter, 'subjectPseudonym'>> {
  if (subjectId === undefined) return {}
  const isOffline = reader.copy !== undefined
  const pepper = await openPepper(context, { mint: false, isOffline })
  const { pseudonym, unproven } = await subjectPseudonym(reader, pepper, domainId, subjectId)
  if (unproven === 'damaged')
    note('note: row 1 of this chain is damaged, so nothing shows that this pepper is the right one')
  else if (unproven === 'missing' && isOffline)
    note('note: this copy does not hold row 1, so nothing shows that this pepper is the right one')
  return { subjectPseudonym: pseudonym }
}

/** Returns the filter of {@link subjectFilter} for a chain in PostgreSQL. Opens no database without `--subject-id`. */
export async function storedSubjectFilter(
  context: Context,
  domainId: string,
  subjectId: string | undefined,
): Promise<Pick<EntryFilter, 'subjectPseudonym'>> {
  if (subjectId === undefined) return {}
  return subjectFilter(context, { reader: await openEntryReader(context), domainId }, subjectId)
}
