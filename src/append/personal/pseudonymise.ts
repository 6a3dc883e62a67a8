import { nodePseudonym } from '../../base/node-hasher.js'

/** Matches the object types whose id is a person. */
const PERSON = /^(?:user|identity|apikey):/

export function isPersonObject(object: string): boolean {
  return PERSON.test(object)
}

/**
 * Returns the object as it is stored: `type:<pseudonym of its id>` for a person, the pseudonym as 64 lower-case hex digits,
 * and any other object unchanged. The pepper is that of the row's chain, so the same person is another object on another
 * chain.
 */
export function pseudonymiseObject(pepper: Uint8Array, object: string): string {
  if (!isPersonObject(object)) return object
  const colon = object.indexOf(':')
  return `${object.slice(0, colon)}:${nodePseudonym(pepper, object.slice(colon + 1))}`
}
