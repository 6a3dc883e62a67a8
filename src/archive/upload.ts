import { AuditError } from '../base/errors.js'
import { nodeHasher } from '../base/node-hasher.js'
import { encodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry } from '../chain/entry.js'
import type { Finding } from '../chain/finding.js'
import type { StoredRow } from '../chain/fold.js'
import { type DecodedObject, MAX_OBJECT_BYTES, type MirrorCodec, type MirrorStore } from '../ports/mirror.js'
import { differenceOf } from '../verify/difference.js'

/** The result of the upload of one row. */
export type Uploaded =
  | { readonly seq: number; readonly etag: string; readonly created: boolean }
  | { readonly seq: number; readonly finding: Finding }

/** A batch makes the names of its objects durable together, because each sync of a folder waits for the disk. */
const NAME_LATER = { nameLater: true }

/**
 * Creates the object of one row, encoded as `bytes`, or finds it in the mirror. The object's name is durable only after a
 * later call of `syncNames`. An object is never overwritten: the same content keeps its etag, and other content is a
 * finding. A repeated call is safe: after a PUT whose response was lost, it finds our own object.
 */
export async function uploadRow(
  entry: ChainedEntry,
  bytes: Uint8Array,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Uploaded> {
  const key = codec.key(entry.domainId, entry.seq)
  const { created, etag } = await store.create(key, bytes, signal, NAME_LATER)
  if (created) return { seq: entry.seq, etag, created }
  const there = await store.get(key, MAX_OBJECT_BYTES, signal)
  if (there === undefined) {
    throw new AuditError('mirror_unavailable', `${key} existed and was deleted before it could be read`)
  }
  if (await codec.same(there.bytes, bytes)) return { seq: entry.seq, etag: there.etag, created }
  return { seq: entry.seq, finding: await differing(entry, there.bytes, codec) }
}

async function differing(entry: ChainedEntry, bytes: Uint8Array, codec: MirrorCodec): Promise<Finding> {
  const decoded = await codec.decode(bytes, entry)
  const what = 'problem' in decoded ? decoded.problem : 'it holds another row'
  const row = { seq: entry.seq, canonical: encodeCanonical(entry), ...hashesOf(entry) }
  const copy = 'problem' in decoded ? damaged(entry.seq, bytes) : whole(decoded)
  return {
    code: 'copies_differ',
    seqFrom: entry.seq,
    seqTo: entry.seq,
    expected: entry.entryHash,
    observed: 'problem' in decoded ? undefined : decoded.entry.entryHash,
    detail: `the mirror has another object for this row: ${what}`,
    rows: differenceOf([row], copy, nodeHasher),
  }
}

function damaged(seq: number, bytes: Uint8Array): StoredRow {
  return { seq, bytesHash: nodeHasher.canonical(bytes) }
}

function whole({ entry, canonical }: Exclude<DecodedObject, { problem: string }>): StoredRow {
  return { seq: entry.seq, canonical, ...hashesOf(entry) }
}

function hashesOf({ prevHash, entryHash }: ChainedEntry) {
  return { prevHash, entryHash }
}
