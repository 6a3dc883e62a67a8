import { AuditError } from '../base/errors.js'
import { decodeCanonical } from '../chain/canonical.js'
import type { StoredRow } from '../chain/fold.js'
import { asHash, type Hasher } from '../chain/hash.js'
import { domainOfObject, nameOfPath, SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import { streamObjects } from '../verify/object-stream.js'
import type { NamedDomain } from './choose-domain.js'

const NAMING: ReadonlySet<string> = new Set([SELF_AUDIT.chainCreate, SELF_AUDIT.domainName])

/**
 * Returns the names that the platform chain of a mirror gives, the newest of each Domain. Reads every object of that chain,
 * because nothing in a mirror finds a row by its content. Rejects where the mirror cannot be read.
 */
export async function mirrorNames(
  store: MirrorStore,
  codec: MirrorCodec,
  hasher: Hasher,
  signal: AbortSignal,
): Promise<NamedDomain[]> {
  const domains = new Map<string, NamedDomain>()
  for await (const object of streamObjects(store, codec, { domainId: PLATFORM_ANCHOR, fromSeq: 1 }, signal)) {
    if (object.kind === 'row') add(object.row, domains, hasher)
  }
  return [...domains.values()]
}

function add(row: StoredRow, domains: Map<string, NamedDomain>, hasher: Hasher): void {
  if (row.canonical === undefined) return
  const { relation, object, relationPath } = decodeCanonical(row.canonical)
  const domainId = domainOfObject(object)
  if (domainId === undefined || !NAMING.has(relation)) return
  const before = domains.get(domainId)
  const name = nameOfPath(relationPath)
  const names = name === undefined ? (before?.names ?? []) : [name]
  const doubt = before?.doubt ?? (isRecomputed(row, hasher) ? undefined : damaged(domainId))
  domains.set(domainId, { domainId, names, doubt })
}

function isRecomputed({ canonical, prevHash, entryHash }: StoredRow, hasher: Hasher): boolean {
  const prev = asHash(prevHash)
  return canonical !== undefined && prev !== undefined && hasher.entry(prev, canonical) === entryHash
}

function damaged(domainId: string): AuditError {
  return new AuditError(
    'chain_conflict',
    `a row of the platform chain that names Domain ${domainId} does not recompute`,
    { advice: { code: 'verify_creation', domainId } },
  )
}
