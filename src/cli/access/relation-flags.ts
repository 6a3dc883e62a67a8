import * as Flags from '@oclif/core/flags'
import { parseGroup, parseSubject, RELATIONS } from '../../access/subject.js'
import { AuditError } from '../../base/errors.js'
import { chainObject } from '../../chain/self-audit.js'
import type { Relation, RelationObject, RelationTuple } from '../../ports/relations.js'
import { chainFlags, chainsFlags, optionalChain, type ParsedChain } from '../flags/chain.js'
import { flagValue } from '../flags/flag-value.js'

export const relationFlag = Flags.string({
  required: true,
  options: [...RELATIONS],
  helpValue: 'NAME',
  summary: 'owner, admin, auditor or member',
})

/** What has relations: a chain's object, or a group. Read with {@link objectOf}. */
export const objectFlags = {
  ...chainFlags,
  group: Flags.string({
    helpGroup: 'CHAIN',
    helpValue: 'NAME',
    summary: 'this group, of which there are members',
  }),
}

/** The same for a list, which can be of everything. Read with {@link listedObjectOf}. */
export const listedObjectFlags = { ...objectFlags, all: chainsFlags.all }

/** Of the commands that change one tuple. Read with {@link tupleOf}. */
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

/** Throws `usage`. */
export function tupleOf(parsed: ParsedTuple): RelationTuple {
  const object = objectOf(parsed)
  const relation = relationOf(parsed.flags.relation)
  if (object === undefined) throw unchosen('--platform and --group NAME')
  if (object.startsWith('group:') && relation !== 'member') {
    throw new AuditError('usage', '--relation: of a group there are members alone')
  }
  return { object, relation, subject: flagValue('--subject', () => parseSubject(parsed.flags.subject)) }
}

/** Undefined for all of them. Throws `usage`. */
export function listedObjectOf(parsed: ParsedObject): RelationObject | undefined {
  const object = objectOf(parsed)
  if (object === undefined && parsed.flags.all !== true) throw unchosen('--platform, --group NAME and --all')
  return object
}

function unchosen(others: string): AuditError {
  return new AuditError('usage', `expected exactly one of --domain UUID (AUDIT_DOMAIN), ${others}`)
}

/** Undefined where none is chosen. Throws `usage` for more than one. */
function objectOf(parsed: ParsedObject): RelationObject | undefined {
  const { group, platform, all } = parsed.flags
  const typed = parsed.raw.some((token) => token.type === 'flag' && token.flag === 'domain')
  if (group === undefined) {
    const chain = optionalChain(parsed)
    return chain === undefined || chain === 'all' ? undefined : chainObject(chain)
  }
  if (typed || platform === true || all === true) {
    throw new AuditError('usage', '--group excludes --domain, --platform and --all')
  }
  return `group:${flagValue('--group', () => parseGroup(group))}`
}

/** Of the parser's options one. Throws `usage`. */
export function relationOf(text: string): Relation {
  const relation = RELATIONS.find((one) => one === text)
  if (relation === undefined) throw new AuditError('usage', `--relation: expected ${RELATIONS.join(', ')}`)
  return relation
}
