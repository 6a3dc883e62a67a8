import * as Flags from '@oclif/core/flags'
import type { Context } from '../../compose/context.js'
import { openPepper } from '../../compose/pepper.js'
import { openEntryReader } from '../../compose/query.js'
import type { EntryFilter } from '../../ports/query.js'
import type { ListParameters } from '../../query/list-query.js'
import { subjectPseudonym } from '../../query/subject.js'

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
  'object-type': filterFlag('rows whose object has this type: the text before the first colon', 'TEXT'),
  'object-id': filterFlag('rows whose object has this id: the text after the first colon', 'TEXT'),
  reason: filterFlag(
    'rows with this reason: granted, out_of_scope, insufficient_relation, caveat_violation or unknown',
    'NAME',
  ),
  'correlation-id': filterFlag('rows of the request with this id', 'TEXT'),
}

export const timeFlags = {
  from: filterFlag('rows recorded at or after this time', 'TIME'),
  to: filterFlag('rows recorded at or before this time', 'TIME'),
}

export function listParameters(flags: Readonly<Record<string, unknown>>): ListParameters {
  const text = (name: string) => {
    const value = flags[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    subject: text('subject'),
    relation: text('relation'),
    objectType: text('object-type'),
    objectId: text('object-id'),
    reason: text('reason'),
    from: text('from'),
    to: text('to'),
    correlationId: text('correlation-id'),
  }
}

/** Returns a filter with the pseudonym of `--subject-id`, or an empty filter without the flag. */
export async function subjectFilter(
  context: Context,
  domainId: string,
  subjectId: string | undefined,
): Promise<Pick<EntryFilter, 'subjectPseudonym'>> {
  if (subjectId === undefined) return {}
  const pepper = await openPepper(context)
  return {
    subjectPseudonym: await subjectPseudonym(await openEntryReader(context), pepper, domainId, subjectId),
  }
}
