import type { RelationTuple } from '../ports/relations.js'

/** What an object id of SpiceDB may be made of, but for `=`, which we escape with. */
const PLAIN = /^[A-Za-z0-9/_|+-]$/

/** Of an object id, by SpiceDB's own rule. */
const MAX_BYTES = 1024

/**
 * An id as SpiceDB takes it: each other byte of its UTF-8 as `=` and two hex digits, so that no two ids become one
 * (`alice@example.com` is `alice=40example=2Ecom`). Undefined where that is too long: nobody can have such a relation.
 */
export function spicedbId(id: string): string | undefined {
  const escaped = Array.from(id, (letter) => (PLAIN.test(letter) ? letter : escapedBytes(letter))).join('')
  return escaped.length <= MAX_BYTES ? escaped : undefined
}

function escapedBytes(letter: string): string {
  const bytes = Array.from(Buffer.from(letter))
  return bytes.map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** A tuple as the arguments of `zed relationship touch`; an id that SpiceDB cannot hold stays as it is, for zed to refuse. */
export function zedArguments({ object, relation, subject }: RelationTuple): string {
  return [zedName(object), relation, zedName(subject)].join(' ')
}

function zedName(name: string): string {
  const [, type = '', id = ''] = /^(\w+):(.*)$/s.exec(name) ?? []
  return `${type}:${spicedbId(id) ?? id}`
}
