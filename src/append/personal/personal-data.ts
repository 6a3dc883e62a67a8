import type { Entry } from '../../chain/entry.js'
import type { RequestContext, SubjectPii } from '../../ports/append.js'
import { emailsIn, isEmail, isSameEmail } from './email.js'
import { INSIDE_WORD, readingsOf } from './fold.js'
import { canonicalAddress, isAddress } from './ip.js'
import { isFreeOf, plainTexts } from './plain-search.js'
import { isPersonObject } from './pseudonymise.js'

/** The hashed texts of a row that could hold personal data. */
export type StoredTexts = Partial<
  Pick<Entry, 'relation' | 'object' | 'relationPath' | 'caveatContext' | 'correlationId' | 'zedtoken'>
>

/** What is known about the person. */
export interface PersonalData
  extends Pick<SubjectPii, 'plaintext' | 'emailClaim' | 'sourceIp'>,
    Pick<RequestContext, 'ip'> {
  readonly subjectId: string
  /** Further texts that name the person, such as the name of a session. */
  readonly names?: readonly string[] | undefined
  /** Texts that name no person, although the entry has them as its subject, such as the id of an account. */
  readonly impersonal?: readonly string[] | undefined
}

type Found = (field: Field) => boolean

/**
 * Returns which hashed field holds which kind of personal data, such as `object holds the subject_id`, or undefined. The
 * value itself is never returned. Case and Unicode compatibility forms make no difference, percent-encoded text is also
 * read decoded, and text with invisible characters also without them. The search:
 *
 * - A text is found as a whole, without letters or digits beside it: the subject_id 1234 is not in `order:51234`.
 * - E-mail addresses are compared as addresses ({@link isSameEmail}): ann@example.com is not in `mary-ann@example.com`. Other
 *   parts of a text are no people, such as the instance in `AROA…:i-0abc`.
 * - A zedtoken is opaque text, in which a short id can occur by chance: only texts of three or more characters are looked for.
 * - An address is not found inside a longer number (1.2.3.4 is not in 11.2.3.45). An IPv6 address is found in each of
 *   its spellings.
 * - An object that is a person is not searched: the sink stores a pseudonym there, whose hex digits could hold a short id
 *   by chance.
 */
export function personalDataProblem(stored: StoredTexts, personal: PersonalData): string | undefined {
  if (isPlainlyFree(stored, personal)) return undefined
  const fields = fieldsOf(stored)
  const hit = (kind: string, text: string | undefined) => firstHit(fields, kind, textSearch(text, personal))
  return (
    hit('subject_id', personal.subjectId) ??
    hit('plaintext', personal.plaintext) ??
    hit('e-mail claim', personal.emailClaim) ??
    personal.names
      ?.map((name) => hit('name of the subject', name))
      .find((problem) => problem !== undefined) ??
    firstHit(fields, 'source_ip', addressSearch(personal.sourceIp)) ??
    firstHit(fields, 'ip', addressSearch(personal.ip))
  )
}

/** Returns whether a row certainly holds none of it. Nearly all rows do, and the whole search takes three times as long. */
function isPlainlyFree(stored: StoredTexts, personal: PersonalData): boolean {
  // An address has many spellings.
  if (personal.sourceIp !== undefined || personal.ip !== undefined) return false
  const { relation = '', object = '', relationPath = [], caveatContext = [] } = stored
  const { correlationId = '', zedtoken = '' } = stored
  const searched = isPersonObject(object) ? '' : object
  const single = `${relation}\n${searched}\n${correlationId}\n${zedtoken}`
  const texts = plainTexts(single, relationPath, caveatContext)
  if (texts === undefined) return false
  const { subjectId, plaintext, emailClaim, names } = personal
  const isFree = (text: string | undefined) => isFreeOf(texts, text)
  return isFree(subjectId) && isFree(plaintext) && isFree(emailClaim) && (names?.every(isFree) ?? true)
}

interface Field {
  readonly name: string
  readonly texts: readonly string[]
  /** The shortest text that is looked for, in UTF-16 units. */
  readonly shortest: number
}

function fieldsOf(stored: StoredTexts): Field[] {
  const { relation = '', object = '', relationPath = [], caveatContext = [] } = stored
  const { correlationId = '', zedtoken = '' } = stored
  const fields: Field[] = []
  if (relation !== '') fields.push(fieldOf('relation', relation))
  if (!isPersonObject(object)) fields.push(fieldOf('object', object))
  for (const item of relationPath) fields.push(fieldOf('relation_path', item))
  for (const name of caveatContext) fields.push(fieldOf('caveat_context', name))
  if (correlationId !== '') fields.push(fieldOf('correlation_id', correlationId))
  if (zedtoken !== '') fields.push({ ...fieldOf('zedtoken', zedtoken), shortest: 3 })
  return fields
}

function fieldOf(name: string, text: string): Field {
  return { name, texts: readingsOf(text), shortest: 1 }
}

function firstHit(fields: readonly Field[], kind: string, found: Found | undefined): string | undefined {
  if (found === undefined) return undefined
  for (const field of fields) if (found(field)) return `${field.name} holds the ${kind}`
  return undefined
}

function textSearch(text: string | undefined, { impersonal = [] }: PersonalData): Found | undefined {
  if (text === undefined || text === '') return undefined
  const needles = readingsOf(text)
  const emails = needles.flatMap(emailsIn)
  // An address is compared as one. Its text is also a part of longer addresses.
  const whole = impersonal.includes(text) ? [] : needles.filter((needle) => !isEmail(needle))
  if (whole.length === 0 && emails.length === 0) return undefined
  return ({ texts, shortest }) =>
    texts.some(
      (field) =>
        whole.some((needle) => needle.length >= shortest && occursApart(field, needle, INSIDE_WORD)) ||
        (emails.length > 0 && emailsIn(field).some((found) => emails.some((own) => isSameEmail(found, own)))),
    )
}

function addressSearch(text: string | undefined): Found | undefined {
  if (text === undefined || !isAddress(text)) return textSearch(text, { subjectId: '' })
  const canonical = canonicalAddress(text)
  return ({ texts }) =>
    texts.some((field) => occursApart(field, canonical, /[0-9]/) || addressesIn(field).includes(canonical))
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
