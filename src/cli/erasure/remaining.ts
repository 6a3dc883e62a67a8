import type { Remaining } from '../../ports/erasure.js'
import type { RelationTuple } from '../../ports/relations.js'

/** Something that is kept of an erased person, as `audit erase-identity` prints it. */
export interface RemainingJson {
  readonly kind: Remaining['kind']
  readonly count: number
  /** The command that ends it. */
  readonly command: string
}

export function remainingJson(remaining: Remaining): RemainingJson {
  const command =
    remaining.kind === 'api_key' ? `audit key revoke ${remaining.id}` : revocationOf(remaining.tuple)
  return { kind: remaining.kind, count: 1, command }
}

function revocationOf({ object, relation, subject }: RelationTuple): string {
  const [type = '', id = ''] = object.split(':', 2)
  const place = type === 'platform' ? '--platform' : `--${type} ${quoted(id)}`
  return `audit relation revoke ${place} --relation ${relation} --subject ${quoted(subject)}`
}

/** Returns the text as one word of a shell, without a backslash: that of `'\''` would be doubled where it is printed. */
function quoted(text: string): string {
  return /^[\w.:@/+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`
}
