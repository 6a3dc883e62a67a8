import type { DomainClaims } from '../base/domain-claims.js'
import { AuditError } from '../base/errors.js'
import { decodeCanonical } from '../chain/canonical.js'
import type { StoredRow } from '../chain/fold.js'
import { asHash, type Hasher } from '../chain/hash.js'
import { mirrorOfPath } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'

/**
 * Returns a `chain_conflict` for each fact of a Domain that its records disagree about: where its mirror is, and what it is
 * called. A record that does not exist claims nothing.
 */
export function domainConflicts(domainId: string, claims: DomainClaims): AuditError[] {
  const conflicts = [mirrorConflict(domainId, claims), nameConflict(domainId, claims)]
  return conflicts.filter((conflict) => conflict !== undefined)
}

function mirrorConflict(
  domainId: string,
  { registry, genesis, creation }: DomainClaims,
): AuditError | undefined {
  const said = [
    ...registry.map(({ mirrorUrl }) => ['the registry', mirrorUrl] as const),
    ...(genesis === undefined ? [] : [['its genesis row', genesis.mirrorUrl] as const]),
    ...(creation === undefined ? [] : [['the platform chain', creation.mirrorUrl] as const]),
  ]
  const isPlatformElsewhere =
    domainId === PLATFORM_ANCHOR && registry.some(({ mirrorUrl }) => mirrorUrl !== undefined)
  if (new Set(said.map(([, url]) => url)).size < 2 && !isPlatformElsewhere) return undefined
  const list = said.map(([record, url]) => `${record} names ${url ?? 'none'}`).join(', ')
  return conflict(domainId, `the records of chain ${domainId} disagree about a mirror of its own: ${list}`)
}

/** Does not judge a Domain whose rows give no name: it was created without a name, or before names were on the chain. */
export function nameConflict(domainId: string, claims: DomainClaims): AuditError | undefined {
  const { registry, genesis, creation, renamed } = claims
  const recorded = renamed ?? creation?.name ?? genesis?.name
  const isUnequal = genesis !== undefined && creation !== undefined && genesis.name !== creation.name
  if (isUnequal)
    return conflict(domainId, `the two rows that create Domain ${domainId} give it different names`)
  if (recorded === undefined) return undefined
  const other = registry.find(({ name }) => name !== recorded)
  if (other === undefined) return undefined
  return new AuditError(
    'chain_conflict',
    `the registry calls Domain ${domainId} "${other.name}", and the chain calls it "${recorded}"`,
    { advice: { code: 'name_again', domainId } },
  )
}

function conflict(domainId: string, message: string): AuditError {
  return new AuditError('chain_conflict', message, { advice: { code: 'verify_creation', domainId } })
}

/** What the rows that create a Domain say about its mirror, where they recompute and agree. */
export interface RecordedMirror {
  /** Absent: the rows name no mirror. */
  readonly url?: string | undefined
}

/** Returns what the creation rows that recompute say; undefined where none recomputes, or where they disagree. */
export function recordedMirror(rows: readonly StoredRow[], hasher: Hasher): RecordedMirror | undefined {
  const urls = new Set(rows.filter((row) => isRecomputed(row, hasher)).map(mirrorIn))
  return urls.size === 1 ? { url: [...urls][0] } : undefined
}

/** Returns whether a row's own prev_hash and bytes give its entry_hash. Does not judge the link to the row before. */
export function isRecomputed({ canonical, prevHash, entryHash }: StoredRow, hasher: Hasher): boolean {
  const prev = asHash(prevHash)
  return canonical !== undefined && prev !== undefined && hasher.entry(prev, canonical) === entryHash
}

function mirrorIn({ canonical }: StoredRow): string | undefined {
  return canonical === undefined ? undefined : mirrorOfPath(decodeCanonical(canonical).relationPath)
}

/**
 * Returns the error for a Domain that names a mirror of its own and that the operator has given none. The advice holds the
 * line to add: with the mirror that the rows record, or, where only the registry names one, with the default mirror.
 */
export function ownMirrorNotMapped(
  domainId: string,
  recorded: RecordedMirror | undefined,
  defaultUrl: string | undefined,
): AuditError {
  const url = recorded === undefined ? undefined : (recorded.url ?? defaultUrl)
  const message =
    recorded !== undefined && recorded.url === undefined
      ? `the registry names a mirror of its own for Domain ${domainId}, the rows of its creation name none, and the map has no line for it`
      : `Domain ${domainId} names a mirror of its own, and the map has no line for it`
  return new AuditError('mirror_not_mapped', message, { advice: { code: 'map_mirror', domainId, url } })
}
