import { nodePseudonym } from '../base/node-hasher.js'

/** Object types whose id is a person (format.md, "Pseudonym"). */
const PERSON = /^(?:user|identity|apikey):/

export function isPersonObject(object: string): boolean {
  return PERSON.test(object)
}

/**
 * The object as it is stored: `type:<pseudonym of its id>` for a person, 64 lower-case hex digits, and any other as it
 * is. The pepper is that of the chain the row goes to, so the same person is another object on another chain.
 */
export function pseudonymiseObject(pepper: Uint8Array, object: string): string {
  if (!isPersonObject(object)) return object
  const colon = object.indexOf(':')
  return `${object.slice(0, colon)}:${nodePseudonym(pepper, object.slice(colon + 1))}`
}
