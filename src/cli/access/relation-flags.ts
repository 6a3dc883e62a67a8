import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { chainObject } from '../../chain/self-audit.js'
import type { Relation, RelationObject, RelationTuple } from '../../ports/relations.js'
import { chainFlags, chainsFlags, isTyped, type ParsedChain, parseOptionalChain } from '../flags/chain.js'
import { flagValue } from '../flags/flag-value.js'
import { parseGroup, parseSubject, RELATIONS } from './subject.js'

export const relationFlag = Flags.string({
  required: true,
  options: [...RELATIONS],
  helpValue: 'NAME',
  summary: 'owner, admin, auditor or member',
})

/** The flags that choose an object of relations: a chain or a group. Read with {@link parseObject}. */
const objectFlags = {
  ...chainFlags,
  group: Flags.string({
    helpGroup: 'CHAIN',
    helpValue: 'NAME',
    summary: 'this group, which only has the relation member',
  }),
}

/** The same flags for a list, which can also be of all objects. Read with {@link parseListedObject}. */
export const listedObjectFlags = { ...objectFlags, all: chainsFlags.all }

/** The flags of the commands that change one tuple. Read with {@link parseTuple}. */
export const tupleFlags = {
  ...objectFlags,
  relation: relationFlag,
  subject: Flags.string({
    required: true,
    helpValue: 'SUBJECT',
    summary: 'user:ID, service:ID or group:NAME#member',
  }),
}

/** What the parser returns of {@link tupleFlags}. */
export interface ParsedTuple extends ParsedObject {
  readonly flags: ParsedObject['flags'] & { readonly relation: string; readonly subject: string }
}

interface ParsedObject extends ParsedChain {
  readonly flags: ParsedChain['flags'] & { readonly group?: string | undefined }
}

/** Returns the tuple that the flags name. Throws `usage`. */
export function parseTuple(parsed: ParsedTuple): RelationTuple {
  const object = parseObject(parsed)
  const relation = parseRelation(parsed.flags.relation)
  if (object === undefined) throw unchosen('--platform and --group NAME')
  if (object.startsWith('group:') && relation !== 'member') {
    throw new AuditError('usage', '--relation: groups only have the relation "member"')
  }
  return { object, relation, subject: flagValue('--subject', () => parseSubject(parsed.flags.subject)) }
}

/** Returns the object, or undefined for all objects. Throws `usage`. */
export function parseListedObject(parsed: ParsedObject): RelationObject | undefined {
  const object = parseObject(parsed)
  if (object === undefined && parsed.flags.all !== true) throw unchosen('--platform, --group NAME and --all')
  return object
}

function unchosen(others: string): AuditError {
  return new AuditError('usage', `expected exactly one of --domain UUID (AUDIT_DOMAIN), ${others}`)
}

/** Returns the object, or undefined if none is chosen. Throws `usage` for more than one. */
function parseObject(parsed: ParsedObject): RelationObject | undefined {
  const { group, platform, all } = parsed.flags
  const typed = isTyped(parsed.raw, 'domain')
  if (group === undefined) {
    const chain = parseOptionalChain(parsed)
    return chain === undefined || chain === 'all' ? undefined : chainObject(chain)
  }
  if (typed || platform === true || all === true) {
    throw new AuditError('usage', '--group excludes --domain, --platform and --all')
  }
  return `group:${flagValue('--group', () => parseGroup(group))}`
}

/** Returns the relation. Throws `usage` for any other text. */
export function parseRelation(text: string): Relation {
  const relation = RELATIONS.find((one) => one === text)
  if (relation === undefined) throw new AuditError('usage', `--relation: expected ${RELATIONS.join(', ')}`)
  return relation
}
