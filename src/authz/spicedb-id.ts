import type { RelationTuple } from '../ports/relations.js'

/** The characters that an object id of SpiceDB may hold, except `=`, which starts an escape here. */
const PLAIN = /^[A-Za-z0-9/_|+-]$/

/** SpiceDB's own limit for an object id. */
const MAX_BYTES = 1024

/**
 * Returns an id as SpiceDB accepts it. Writes every other byte of its UTF-8 as `=` and two hex digits, so that different ids
 * stay different (`alice@example.com` becomes `alice=40example=2Ecom`). Returns undefined for an id that is too long, which
 * cannot have relations in SpiceDB.
 */
export function spicedbId(id: string): string | undefined {
  const escaped = Array.from(id, (letter) => (PLAIN.test(letter) ? letter : escapedBytes(letter))).join('')
  return escaped.length <= MAX_BYTES ? escaped : undefined
}

function escapedBytes(letter: string): string {
  const bytes = Array.from(Buffer.from(letter))
  return bytes.map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** Returns a tuple as arguments of `zed relationship touch`. Keeps an id that SpiceDB cannot hold, so that zed refuses it. */
export function zedArguments({ object, relation, subject }: RelationTuple): string {
  return [zedName(object), relation, zedName(subject)].join(' ')
}

function zedName(name: string): string {
  const [, type = '', id = ''] = /^(\w+):(.*)$/s.exec(name) ?? []
  return `${type}:${spicedbId(id) ?? id}`
}
