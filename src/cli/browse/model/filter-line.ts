import { AuditError } from '../../../base/errors.js'
import type { EntryFilter } from '../../../ports/query.js'
import { parseFilter } from '../../../query/list-query.js'
import { eventRange, listParameters } from '../../query/flags.js'

/** Which rows of a chain are shown. */
export interface LineFilter {
  readonly entry: EntryFilter
  /** A person's id. Its pseudonym is derived with the pepper when rows are read. */
  readonly subjectId?: string | undefined
  /** Texts that all must occur in a field of the row, in any case. */
  readonly texts: readonly string[]
}

export const NO_FILTER: LineFilter = { entry: {}, texts: [] }

/** The words of the line that take a value. They are the flags of `audit list`. */
const FILTER_WORDS = [
  'reason',
  'relation',
  'object',
  'object-type',
  'object-id',
  'subject',
  'subject-id',
  'correlation-id',
  'from',
  'to',
  'since',
  'event-from',
  'event-to',
] as const

/** Words that exclude each other, as their flags do. */
const EXCLUSIVE = [
  ['subject', 'subject-id'],
  ['object', 'object-type'],
  ['object', 'object-id'],
  ['denied', 'reason'],
  ['from', 'since'],
] as const

/**
 * Parses a line such as `denied relation=view invoice`: each word is a flag of `audit list`, or a text to look for in every
 * field. Quotes keep spaces. Throws the errors of the flags, and `usage` for a word that is unknown or given twice.
 */
export function parseFilterLine(text: string): LineFilter {
  const flags: Record<string, string | boolean | string[]> = {}
  const texts: string[] = []
  for (const word of wordsOf(text)) {
    const [, name, value] = /^(?:--)?([a-z][a-z-]*)=(.*)$/su.exec(word) ?? []
    if (name !== undefined && value !== undefined) addFlag(flags, name, value)
    else if (/^(--)?denied$/.test(word)) flags.denied = true
    else texts.push(word.toLowerCase())
  }
  for (const [one, other] of EXCLUSIVE) {
    if (flags[one] !== undefined && flags[other] !== undefined)
      throw new AuditError('usage', `${one} and ${other} exclude each other`)
  }
  const subjectId = flags['subject-id']
  return {
    entry: { ...parseFilter(listParameters(flags)), ...eventRange(flags) },
    ...(typeof subjectId === 'string' && { subjectId }),
    texts,
  }
}

function addFlag(flags: Record<string, string | boolean | string[]>, name: string, value: string): void {
  if (!(FILTER_WORDS as readonly string[]).includes(name))
    throw new AuditError('usage', `unknown filter ${name}; known are: denied, ${FILTER_WORDS.join(', ')}`)
  const before = flags[name]
  if (name === 'reason') flags[name] = [...(Array.isArray(before) ? before : []), value]
  else if (before === undefined) flags[name] = value
  else throw new AuditError('usage', `${name} is given twice`)
}

/** Splits at spaces outside of quotes. A quote that is not closed ends with the line. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'])+/g)].map(([word]) =>
    word.replace(
      /"([^"]*)(?:"|$)|'([^']*)(?:'|$)/g,
      (_quoted, double?: string, single?: string) => double ?? single ?? '',
    ),
  )
}
