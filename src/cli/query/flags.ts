import * as Flags from '@oclif/core/flags'
import type { Context } from '../../compose/context.js'
import { pepperOf } from '../../compose/pepper.js'
import { entriesOf } from '../../compose/query.js'
import type { EntryFilter } from '../../ports/query.js'
import type { ListParameters } from '../../query/list-query.js'
import { subjectPseudonym } from '../../query/subject.js'

const filterFlag = (summary: string, helpValue: string) =>
  Flags.string({ helpGroup: 'FILTER', summary, helpValue })

/** Which rows of a chain, by their fields. Read with {@link parametersOf} and {@link subjectFilter}. */
export const filterFlags = {
  subject: Flags.string({
    helpGroup: 'FILTER',
    summary: 'the pseudonym of who acted',
    helpValue: 'HEX',
    exclusive: ['subject-id'],
  }),
  'subject-id': filterFlag('who acted; the pseudonym is derived with the pepper', 'TEXT'),
  relation: filterFlag('what was done or asked', 'TEXT'),
  'object-type': filterFlag('the object before its first colon', 'TEXT'),
  'object-id': filterFlag('the object after its first colon', 'TEXT'),
  reason: filterFlag('granted, out_of_scope, insufficient_relation, caveat_violation or unknown', 'NAME'),
  'correlation-id': filterFlag('the request that it belongs to', 'TEXT'),
}

export const timeFlags = {
  from: filterFlag('recorded at or after', 'TIME'),
  to: filterFlag('recorded at or before', 'TIME'),
}

export function parametersOf(flags: Readonly<Record<string, unknown>>): ListParameters {
  const text = (name: string) => {
    const value = flags[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    subject: text('subject'),
    relation: text('relation'),
    object_type: text('object-type'),
    object_id: text('object-id'),
    reason: text('reason'),
    from: text('from'),
    to: text('to'),
    correlation_id: text('correlation-id'),
  }
}

/** From `--subject-id` to the pseudonym; nothing where it was not given. */
export async function subjectFilter(
  context: Context,
  domainId: string,
  subjectId: string | undefined,
): Promise<Pick<EntryFilter, 'subjectPseudonym'>> {
  if (subjectId === undefined) return {}
  const pepper = await pepperOf(context)
  return {
    subjectPseudonym: await subjectPseudonym(await entriesOf(context), pepper, domainId, subjectId),
  }
}
