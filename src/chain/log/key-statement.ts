import { PLATFORM_OBJECT } from '../self-audit.js'
import { jsonMembers } from './json-line.js'
import { parseOrigin } from './origin.js'
import { SIGNED_RELATION, type SignableRow } from './signed-row.js'

/** The key statement of a chain: a signed row with the key of this chain alone, as one line of JSON in the mirror. */
export interface KeyStatement extends SignableRow {
  /** The origin of the platform chain, whose key signs it. */
  readonly origin: string
}

const FORMAT = 'audit-row/1'

export function keyStatementText({ origin, relation, object, relationPath }: KeyStatement): string {
  return `${JSON.stringify({ format: FORMAT, origin, relation, object, relation_path: relationPath })}\n`
}

/** Reads a key statement. Undefined for every other text, and for another spelling of the same statement. */
export function parseKeyStatement(text: string): KeyStatement | undefined {
  const { origin, relation, object, relation_path: relationPath } = jsonMembers(text)
  if (relation !== SIGNED_RELATION.logKey || object !== PLATFORM_OBJECT) return undefined
  if (!isString(origin) || parseOrigin(origin) === undefined || !Array.isArray(relationPath)) return undefined
  if (!relationPath.every(isString)) return undefined
  const statement = { origin, relation, object, relationPath }
  return keyStatementText(statement) === text ? statement : undefined
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
