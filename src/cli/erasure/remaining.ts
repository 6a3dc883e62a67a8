import { chainOfObject } from '../../chain/self-audit.js'
import type { Remaining } from '../../ports/erasure.js'
import type { RelationTuple } from '../../ports/relations.js'
import { chainWords } from '../flags/chain-words.js'
import { logWords } from '../shell/given-log.js'
import { quoted } from '../shell/mirror-words.js'

/** A reference to an erased person that an erasure does not delete, as `audit erase-identity` prints it. */
export interface RemainingJson {
  readonly kind: Remaining['kind']
  readonly count: number
  /** The command that deletes the reference. */
  readonly command: string
}

export function remainingJson(remaining: Remaining): RemainingJson {
  const command =
    remaining.kind === 'api_key' ? `audit key revoke ${remaining.id}` : revokeCommand(remaining.tuple)
  return { kind: remaining.kind, count: 1, command: `${command}${logWords()}` }
}

function revokeCommand({ object, relation, subject }: RelationTuple): string {
  return `audit relation revoke ${objectWords(object)} --relation ${relation} --subject ${quoted(subject)}`
}

/** Returns the flag that chooses the object. An object that is not a chain keeps its id as it is stored, quoted. */
function objectWords(object: RelationTuple['object']): string {
  const domainId = chainOfObject(object)
  if (domainId !== undefined) return chainWords(domainId)
  const [type = '', id = ''] = object.split(':', 2)
  return `--${type} ${quoted(id)}`
}
