import type { ArchivedChain, MarkerRegistry } from '../ports/marker.js'
import { MAX_OBJECT_BYTES, type MirrorCodec, type MirrorStore } from '../ports/mirror.js'

export interface EvidenceDeps {
  readonly registry: MarkerRegistry
  readonly codec: MirrorCodec
}

/** Chains that are compared where none of them was archived. */
const COMPARED = 100

/**
 * Compares the row that was archived last, of the chains that belong in a place, with its object there. Where none was
 * archived, an archiver of a version without markers may have died between its first upload and its first stamp: then any
 * object of these chains counts. It does not count once an id is recorded: objects may lie in a place that was unmounted
 * during an upload.
 */
export async function evidenceIn(
  store: MirrorStore,
  chains: readonly ArchivedChain[],
  recorded: string | undefined,
  deps: EvidenceDeps,
  signal: AbortSignal,
): Promise<'ours' | 'missing' | 'nothing archived'> {
  const newest = newestOf(chains)
  if (newest === undefined) {
    const isOurs = recorded === undefined && (await hasFirstObject(chains, store, deps, signal))
    return isOurs ? 'ours' : 'nothing archived'
  }
  const hash = await hashIn(store, newest, deps.codec, signal)
  return hash === newest.hash ? 'ours' : 'missing'
}

interface ArchivedRow {
  readonly domainId: string
  readonly seq: number
  readonly hash: string
}

function newestOf(chains: readonly ArchivedChain[]): ArchivedRow | undefined {
  const rows = chains.flatMap(({ domainId, stamped }) =>
    stamped === undefined ? [] : [{ domainId, ...stamped }],
  )
  return rows.reduce<(typeof rows)[number] | undefined>(
    (newest, row) => (newest === undefined || row.stampedAt > newest.stampedAt ? row : newest),
    undefined,
  )
}

async function hasFirstObject(
  chains: readonly ArchivedChain[],
  store: MirrorStore,
  { registry, codec }: EvidenceDeps,
  signal: AbortSignal,
): Promise<boolean> {
  for (const { domainId } of chains.slice(0, COMPARED)) {
    const seq = await firstSeqIn(store, domainId, codec, signal)
    if (seq === undefined) continue
    const hash = await hashIn(store, { domainId, seq }, codec, signal)
    if (hash !== undefined && hash === (await registry.hashOf(domainId, seq))) return true
  }
  return false
}

async function firstSeqIn(
  store: MirrorStore,
  domainId: string,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<number | undefined> {
  for await (const { key } of store.list(codec.prefix(domainId), signal)) {
    const row = codec.parseKey(key)
    if (row?.domainId === domainId) return row.seq
  }
  return undefined
}

/** Returns the entry_hash of the row that a mirror holds; undefined where it holds none that can be decoded. */
export async function hashIn(
  store: MirrorStore,
  row: { readonly domainId: string; readonly seq: number },
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<string | undefined> {
  const object = await store.get(codec.key(row.domainId, row.seq), MAX_OBJECT_BYTES, signal)
  const decoded = object === undefined ? undefined : await codec.decode(object.bytes, row)
  return decoded !== undefined && 'entry' in decoded ? decoded.entry.entryHash : undefined
}
