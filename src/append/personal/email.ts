import { domainToASCII } from 'node:url'
import { UNSPACED_LETTER } from './fold.js'
import { isTopLevel } from './top-level.js'

/** An e-mail address in a text. */
export interface Email {
  readonly local: string
  /** In ASCII, as DNS has it. Needs no dot: `ann@corp`. */
  readonly domain: string
}

/** The characters beside an at sign that belong to an address. Others separate it: `idp#ann@example.com?x` is ann@example.com. */
const LOCAL = /[\p{L}\p{N}\p{M}.+_-]+$/u
const DOMAIN = /^[\p{L}\p{N}\p{M}.\u3002-]+/u

/** The longest local part and domain that are read, in UTF-16 units. Mail allows 64 and 255 bytes. */
const MAX_LOCAL = 256
const MAX_DOMAIN = 512

/**
 * Returns the e-mail addresses in a folded text, such as first.last@example.com in `aroaexample:first.last+work@example.com`: without
 * the tag, because name+tag@example.com is a mailbox of name@example.com, and without the quotes of a quoted local part.
 */
export function emailsIn(text: string): Email[] {
  if (!text.includes('@')) return []
  const plain = withoutQuotes(text)
  return plain.includes('+')
    ? [...addressesIn(plain), ...addressesIn(withoutTags(plain))]
    : addressesIn(plain)
}

/** Returns whether a folded text is an address and nothing else. */
export function isEmail(text: string): boolean {
  if (emailsIn(text).length === 0) return false
  return /^[\p{L}\p{N}\p{M}.+_-]+@[\p{L}\p{N}\p{M}.-]+$/u.test(text)
}

/**
 * Returns whether an address in a field is that of the person. Whole addresses are compared: mary-ann@example.com and
 * ann@example.com.au are not ann@example.com. An underscore also separates, because sign-in services write `Google_ann@…`.
 * What follows a domain and is no top-level domain is not part of it: `ann@example.com.txt`.
 */
export function isSameEmail(field: Email, person: Email): boolean {
  const isSameLocal = endsWithWord(field.local, person.local) || endsWithWord(person.local, field.local)
  return (
    isSameLocal && field.domain.startsWith(person.domain) && domainsOf(field.domain).includes(person.domain)
  )
}

function endsWithWord(text: string, word: string): boolean {
  if (!text.endsWith(word)) return false
  const before = Array.from(text.slice(0, -word.length)).at(-1)
  return before === undefined || before === '_' || UNSPACED_LETTER.test(before)
}

/** Returns a domain and what is left of it after each cut of an end that is no top-level domain. */
function domainsOf(domain: string): string[] {
  const domains = [domain]
  for (let rest = domain; ; domains.push(rest)) {
    const label = rest.slice(rest.lastIndexOf('.') + 1)
    const cut = label.startsWith('xn--') ? -1 : label.lastIndexOf('-')
    if (cut < 0 && isTopLevel(label)) return domains
    const end = cut < 0 ? rest.lastIndexOf('.') : rest.length - label.length + cut
    if (end <= 0) return domains
    rest = rest.slice(0, end)
  }
}

function addressesIn(text: string): Email[] {
  const emails: Email[] = []
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const local = LOCAL.exec(text.slice(Math.max(0, at - MAX_LOCAL), at))?.[0].replace(/^[.+-]+/, '')
    const domain = DOMAIN.exec(text.slice(at + 1, at + 1 + MAX_DOMAIN))?.[0]
    if (local && domain) emails.push(...domainReadings(domain).map((read) => ({ local, domain: read })))
  }
  return emails
}

/** A letter of a script without spaces may belong to the domain, or follow it. */
function domainReadings(run: string): string[] {
  const domain = run.replaceAll('\u3002', '.').replace(/[.-]+$/, '')
  const unspaced = domain.search(UNSPACED_LETTER)
  const readings = unspaced > 0 ? [domain, domain.slice(0, unspaced).replace(/[.-]+$/, '')] : [domain]
  return readings.filter((reading) => reading !== '').map(inAscii)
}

function inAscii(domain: string): string {
  // domainToASCII returns '' for what is no domain.
  return /[^\0-\x7f]/.test(domain) ? domainToASCII(domain) || domain : domain
}

function withoutTags(text: string): string {
  return text.replace(/([^\s:/\\@+])\+[^\s:/\\@]{0,256}@/g, '$1@')
}

/** Returns `ann.lee@example.com` for `"ann.lee"@example.com`. */
function withoutQuotes(text: string): string {
  if (!text.includes('"@')) return text
  return text.replace(
    /"((?:[^"\\]|\\.){1,128})"@/g,
    (_, quoted: string) => `${quoted.replace(/\\(.)/g, '$1')}@`,
  )
}
