import { isDomainId, PLATFORM_ANCHOR } from './uuid.js'

/** The relations of the rows that the log appends about itself. SQL takes them by interpolation, so no name holds a quote. */
export const SELF_AUDIT = {
  chainCreate: 'audit.chain-create',
  domainName: 'audit.domain-name',
  keyCreate: 'audit.key-create',
  keyRevoke: 'audit.key-revoke',
  relationGrant: 'audit.relation-grant',
  relationRevoke: 'audit.relation-revoke',
  accessPolicy: 'audit.access-policy',
  eraseIdentity: 'audit.erase-identity',
  identityReveal: 'audit.identity-reveal',
  holdPlace: 'audit.hold-place',
  holdRelease: 'audit.hold-release',
  retentionSet: 'audit.retention-set',
  retentionPurge: 'audit.retention-purge',
  quarantineAcknowledge: 'audit.quarantine-acknowledge',
} as const

/** The subject_id of every genesis row. Its pseudonym shows later which pepper the chain was begun with. */
export const GENESIS_SUBJECT = 'system:audit'

/** The object that names a chain as a whole: `domain:<id>` in lower case, or the platform chain's. */
export type ChainObject = `domain:${string}` | 'platform:platform'

export const PLATFORM_OBJECT = 'platform:platform'

/** The prefix of the object that names a Domain's chain. */
export const DOMAIN_PREFIX = 'domain:'

/** Matches the object of a Domain's chain, as a regular expression of JavaScript and of PostgreSQL. */
export const DOMAIN_OBJECT_PATTERN = `^${DOMAIN_PREFIX}[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`

export function chainObject(domainId: string): ChainObject {
  return domainId === PLATFORM_ANCHOR ? PLATFORM_OBJECT : `${DOMAIN_PREFIX}${domainId}`
}

/** Returns the id of the chain that an object names, a Domain's or the platform anchor; undefined for any other object. */
export function chainOfObject(object: string): string | undefined {
  return object === PLATFORM_OBJECT ? PLATFORM_ANCHOR : domainOfObject(object)
}

/** Returns the id of the Domain that an object names; undefined for any other object, the platform chain's included. */
export function domainOfObject(object: string): string | undefined {
  const id = object.startsWith(DOMAIN_PREFIX) ? object.slice(DOMAIN_PREFIX.length) : ''
  return isDomainId(id) ? id : undefined
}

/** The prefix of the step that names the Domain's own mirror in the relation_path of a chain-create row. */
export const MIRROR_PREFIX = 'mirror:'

/** Returns the mirror that a chain-create row names; undefined for a Domain that lies in the default mirror. */
export function mirrorOfPath(relationPath: readonly string[]): string | undefined {
  return restOfStep(relationPath, MIRROR_PREFIX)
}

/** The prefix of the step that holds the Domain's name in the relation_path of a row that creates or names the Domain. */
export const NAME_PREFIX = 'name:'

/** Returns the name that a row gives a Domain; undefined for a row that gives none. */
export function nameOfPath(relationPath: readonly string[]): string | undefined {
  return restOfStep(relationPath, NAME_PREFIX)
}

/** The prefix of the step with the number of restored rows, in a chain-create row that a restore appended. */
export const RESTORED_PREFIX = 'restored:'

function restOfStep(relationPath: readonly string[], prefix: string): string | undefined {
  return relationPath.find((step) => step.startsWith(prefix))?.slice(prefix.length)
}
