import type { Entry } from '../../chain/entry.js'
import type { RequestContext, SubjectPii } from '../../ports/append.js'
import { canonicalAddress, isAddress } from './ip.js'
import { isPersonObject } from './pseudonymise.js'

/** The hashed texts of a row that could hold personal data. */
export type StoredTexts = Pick<Entry, 'relation' | 'object' | 'relationPath' | 'correlationId'>

/** What is known about the person. */
export interface PersonalData
  extends Pick<SubjectPii, 'plaintext' | 'emailClaim' | 'sourceIp'>,
    Pick<RequestContext, 'ip'> {
  readonly subjectId: string
}

type Found = (field: string) => boolean

/**
 * Returns which hashed field holds which kind of personal data, such as `object holds the subject_id`, or undefined. The
 * value itself is never returned. Case and Unicode compatibility forms make no difference. The search:
 *
 * - A text is found anywhere in a field. A text of fewer than 4 bytes is found only as a whole word, without letters or
 *   digits beside it: otherwise a subject_id of one letter would refuse every row.
 * - An address is not found inside a longer number (1.2.3.4 is not in 11.2.3.45). An IPv6 address is found in each of
 *   its spellings.
 * - An object that is a person is not searched: the sink stores a pseudonym there, whose hex digits could hold a short id
 *   by chance.
 */
export function personalDataProblem(stored: StoredTexts, personal: PersonalData): string | undefined {
  const fields = fieldsOf(stored)
  return (
    firstHit(fields, 'subject_id', textSearch(personal.subjectId)) ??
    firstHit(fields, 'plaintext', textSearch(personal.plaintext)) ??
    firstHit(fields, 'e-mail claim', textSearch(personal.emailClaim)) ??
    firstHit(fields, 'source_ip', addressSearch(personal.sourceIp)) ??
    firstHit(fields, 'ip', addressSearch(personal.ip))
  )
}

type Field = readonly [name: string, text: string]

function fieldsOf({ relation, object, relationPath, correlationId }: StoredTexts): Field[] {
  const fields: Field[] = [['relation', folded(relation)]]
  if (!isPersonObject(object)) fields.push(['object', folded(object)])
  for (const item of relationPath) fields.push(['relation_path', folded(item)])
  if (correlationId !== '') fields.push(['correlation_id', folded(correlationId)])
  return fields
}

function firstHit(fields: readonly Field[], kind: string, found: Found | undefined): string | undefined {
  if (found === undefined) return undefined
  for (const [name, text] of fields) if (found(text)) return `${name} holds the ${kind}`
  return undefined
}

const BEYOND_ASCII = /[^\0-\x7f]/

/** Folds case and compatibility forms. ASCII is not normalised: that would change nothing and cost more than the whole search. */
function folded(text: string): string {
  return (BEYOND_ASCII.test(text) ? text.normalize('NFKC') : text).toLowerCase()
}

function textSearch(text: string | undefined): Found | undefined {
  if (text === undefined || text === '') return undefined
  const needle = folded(text)
  if (Buffer.byteLength(needle) >= 4) return (field) => field.includes(needle)
  return (field) => occursApart(field, needle, /[\p{L}\p{N}]/u)
}

function addressSearch(text: string | undefined): Found | undefined {
  if (text === undefined || !isAddress(text)) return textSearch(text)
  const canonical = canonicalAddress(text)
  return (field) => occursApart(field, canonical, /[0-9]/) || addressesIn(field).includes(canonical)
}

/** Returns whether `needle` occurs in the field without a neighbour that `inside` matches. */
function occursApart(field: string, needle: string, inside: RegExp): boolean {
  for (let at = field.indexOf(needle); at >= 0; at = field.indexOf(needle, at + 1)) {
    const before = Array.from(field.slice(Math.max(0, at - 2), at)).at(-1) ?? ''
    const after = String.fromCodePoint(field.codePointAt(at + needle.length) ?? 0x20)
    if (!inside.test(before) && !inside.test(after)) return true
  }
  return false
}

/** Returns the IPv6 addresses in a text in canonical form. A colon or dot at either end may be punctuation, so both readings count. */
function addressesIn(field: string): string[] {
  if (field.indexOf(':', field.indexOf(':') + 1) < 0) return []
  const runs = field.match(/[0-9a-f:.]{2,}/g) ?? []
  const spellings = runs.flatMap((run) => [run, run.replace(/^:|[.:]$/g, '')])
  return spellings.filter(isAddress).map(canonicalAddress)
}
