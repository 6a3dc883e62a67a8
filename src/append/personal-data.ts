import { canonicalAddress, isAddress } from './input/ip.js'
import { isPersonObject } from './pseudonymise.js'

/** The hashed texts of a row that a person could get into. */
export interface StoredTexts {
  readonly relation: string
  readonly object: string
  readonly relationPath: readonly string[]
  readonly correlationId: string
}

/** What is known of the person. */
export interface PersonalData {
  readonly subjectId: string
  readonly plaintext?: string | undefined
  readonly emailClaim?: string | undefined
  readonly sourceIp?: string | undefined
  readonly ip?: string | undefined
}

type Found = (field: string) => boolean

/**
 * Which hashed field holds personal data, and which kind, as `object holds the subject_id`; undefined if none does.
 * Never the value itself. Case and Unicode compatibility forms make no difference. How each is looked for:
 *
 * - a text anywhere in the field; one of fewer than 4 bytes only as a whole word, neighbours no letters or digits,
 *   for else a subject_id of one letter would refuse every row;
 * - an address not inside a longer number (1.2.3.4 is not in 11.2.3.45), and an IPv6 one in each of its spellings;
 * - in an object of a person nothing: the sink stores a pseudonym there, whose hex digits could hold a short id by
 *   chance.
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

/** Normalising costs more than the whole search, and does nothing to ASCII. */
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

/** Whether `needle` occurs with neither neighbour of the kind that `inside` matches. */
function occursApart(field: string, needle: string, inside: RegExp): boolean {
  for (let at = field.indexOf(needle); at >= 0; at = field.indexOf(needle, at + 1)) {
    const before = Array.from(field.slice(Math.max(0, at - 2), at)).at(-1) ?? ''
    const after = String.fromCodePoint(field.codePointAt(at + needle.length) ?? 0x20)
    if (!inside.test(before) && !inside.test(after)) return true
  }
  return false
}

/** The IPv6 addresses that stand in a text, canonical, as far as colons and dots at their ends leave no doubt. */
function addressesIn(field: string): string[] {
  if (field.indexOf(':', field.indexOf(':') + 1) < 0) return []
  const runs = field.match(/[0-9a-f:.]{2,}/g) ?? []
  const spellings = runs.flatMap((run) => [run, run.replace(/^:|[.:]$/g, '')])
  return spellings.filter(isAddress).map(canonicalAddress)
}
