import { AuditError } from '../base/errors.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { DomainRecord } from '../ports/domains.js'
import { nameConflict } from '../verify/domain-conflicts.js'

/** A Domain, and what it is called. */
export interface NamedDomain {
  readonly domainId: string
  /** Every name that a record gives it; the first is the one to print. */
  readonly names: readonly string[]
  /** Why none of the names may be used: no row of a chain confirms it, or the records disagree. */
  readonly doubt?: AuditError | undefined
}

/** By domain id: the names that may be printed beside ids. */
export type ShownNames = ReadonlyMap<string, string>

export const NO_NAMES: ShownNames = new Map()

/** Returns the names without a doubt. The platform chain is called that, whatever a record calls it. */
export function shownNames(domains: readonly NamedDomain[]): ShownNames {
  return new Map(
    domains.flatMap(({ domainId, names: [name], doubt }) =>
      name === undefined || doubt !== undefined || domainId === PLATFORM_ANCHOR ? [] : [[domainId, name]],
    ),
  )
}

/** The least number of hex digits of an id that choose a Domain. */
const LEAST_DIGITS = 8

const DIGITS = new RegExp(`^[0-9a-f]{${LEAST_DIGITS},32}$`)

/** Candidates that an error lists; the rest is a number. */
const MAX_CANDIDATES = 10

/** Where names were looked for. */
export interface LookedAt {
  /** In words; absent for the registry. */
  readonly where?: string | undefined
  /** What to do where it has no such Domain. */
  readonly advice: 'list_domains' | 'give_id_or_names'
}

/**
 * Returns the Domain that a text names: by an exact name, or by the first 8 or more digits of its id, with all of its hyphens or
 * with none. A name wins over an id. Throws the doubt of a name, and `invalid_domain_id` for none or for several Domains.
 */
export function chooseDomain(
  text: string,
  domains: readonly NamedDomain[],
  looked: LookedAt = { advice: 'list_domains' },
): NamedDomain {
  const named = domains.filter(({ names }) => names.includes(text))
  const doubt = named.find((domain) => domain.doubt !== undefined)?.doubt
  if (doubt !== undefined) throw doubt
  const chosen = named.length > 0 ? named : domains.filter(({ domainId }) => begins(domainId, text))
  const [only] = chosen
  if (only !== undefined && chosen.length === 1) return only
  const problem = chosen.length === 0 ? noneOf(domains, looked) : severalOf(chosen, named.length > 0)
  // The list in the error answers the question, and \`domain list\` needs a database.
  const isListed = domains.length > 0 && domains.length <= MAX_CANDIDATES
  throw new AuditError('invalid_domain_id', problem, isListed ? {} : { advice: { code: looked.advice } })
}

/** Returns whether a text has the form of the beginning of an id that chooses a Domain. */
export function isIdPrefix(text: string): boolean {
  return DIGITS.test(text.toLowerCase().replaceAll('-', ''))
}

/** Returns the Domains and, without a name, those of the ids that are not among them. */
export function withIdsOf(domains: readonly NamedDomain[], domainIds: Iterable<string>): NamedDomain[] {
  const known = new Set(domains.map(({ domainId }) => domainId))
  const others = [...new Set(domainIds)].filter((domainId) => !known.has(domainId))
  return [...domains, ...others.map((domainId) => ({ domainId, names: [] }))]
}

function begins(domainId: string, text: string): boolean {
  if (!isIdPrefix(text)) return false
  const wanted = text.toLowerCase()
  return domainId.startsWith(wanted) || domainId.replaceAll('-', '').startsWith(wanted)
}

function noneOf(domains: readonly NamedDomain[], { where }: LookedAt): string {
  const expected = `expected a UUID, the name of a Domain, or the first ${LEAST_DIGITS} digits of its id; no Domain matches`
  const none = where === undefined ? expected : `${expected} in ${where}`
  return domains.length === 0 ? none : `${expected}; there are: ${listOf(domains, true)}`
}

function severalOf(chosen: readonly NamedDomain[], isName: boolean): string {
  const what = isName ? 'Domains have this name' : 'ids begin with these digits'
  return `${chosen.length} ${what}: ${listOf(chosen, !isName)}`
}

/** Lists the first Domains by their id, and by a name that no record contradicts. */
function listOf(domains: readonly NamedDomain[], withNames: boolean): string {
  const listed = domains.slice(0, MAX_CANDIDATES).map(({ domainId, names: [name = ''], doubt }) => {
    return withNames && name !== '' && doubt === undefined ? `${domainId} (${name})` : domainId
  })
  const rest = domains.length - listed.length
  return listed.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

/** Returns the names of a registered Domain. Anybody who can write to the registry can forge its name, so a row must confirm it. */
export function registeredName({ domainId, name, claims }: DomainRecord): NamedDomain {
  const recorded = claims.renamed ?? claims.creation?.name ?? claims.genesis?.name
  const names = [name, recorded].filter((one) => one !== undefined && one !== '')
  const doubt =
    nameConflict(domainId, claims) ??
    (recorded === undefined && name !== '' ? unconfirmed(domainId) : undefined)
  return { domainId, names: [...new Set(names)] as string[], doubt }
}

function unconfirmed(domainId: string): AuditError {
  return new AuditError('chain_conflict', `no row of a chain confirms the name of Domain ${domainId}`, {
    advice: { code: 'name_again', domainId },
  })
}
