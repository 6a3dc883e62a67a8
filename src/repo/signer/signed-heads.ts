import type { ChainRef } from '../../chain/log/row-items.js'
import type { IndexedHead, SignedHead } from '../../ports/signer.js'
import type { Client } from '../session/database.js'
import { microsOf, readTime } from '../session/read-time.js'
import { assertWritten, type Written } from '../session/written.js'

/** A head for the index, with the row of the platform chain that names it. */
export interface HeadToIndex extends SignedHead {
  readonly platformSeq?: number | undefined
}

/** Inserts in the order of the key, so that two signers never deadlock. */
const INSERT_HEADS = `
  INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note, platform_seq)
  SELECT domain_id, incarnation, size, decode(root, 'hex'), decode(entry_hash, 'hex'), note, platform_seq
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[])
    AS h(domain_id, incarnation, size, root, entry_hash, note, platform_seq)
  ORDER BY domain_id, incarnation, size
  ON CONFLICT DO NOTHING`

/** Inserts heads that the index lacks. Throws `write_undone` where one of them is withheld. */
export async function insertHeads(client: Client, heads: readonly HeadToIndex[]): Promise<void> {
  if (heads.length === 0) return
  const column = <T>(value: (head: HeadToIndex) => T) => heads.map(value)
  await client.query(INSERT_HEADS, [
    column((head) => head.domainId),
    column((head) => head.incarnation),
    column((head) => head.size),
    column((head) => head.root),
    column((head) => head.entryHash),
    column((head) => head.note),
    column((head) => head.platformSeq ?? null),
  ])
  await assertWritten(client, areIndexed(heads))
}

/** A head that another signer, or a forger, inserted before stays, so only the keys are compared. */
export function areIndexed(heads: readonly SignedHead[]): Written {
  const keys = heads.map(
    ({ domainId, incarnation, size }) => `('${domainId}'::uuid, ${incarnation}, ${size})`,
  )
  return {
    what: `${heads.length} signed heads in the index`,
    isThere: `(SELECT count(*) FROM (VALUES ${keys.join(', ')}) AS w(domain_id, incarnation, size)
      CROSS JOIN LATERAL (SELECT FROM audit_checkpoint c
        WHERE c.domain_id = w.domain_id AND c.incarnation = w.incarnation AND c.size = w.size LIMIT 1) AS found) = ${heads.length}`,
    otherwise: 'the index lacked one of them',
    settings: 'SET LOCAL jit = off',
  }
}

const NEWEST = `
  SELECT size, encode(root, 'hex') AS root, encode(entry_hash, 'hex') AS entry_hash, note, platform_seq,
    ${microsOf('signed_at')} AS signed_at
  FROM audit_checkpoint WHERE domain_id = $1 AND incarnation = $2 ORDER BY size DESC LIMIT 1`

/** An owner of the table can drop every constraint, so no value is relied on. */
interface NewestRow {
  readonly size: string
  readonly root: string | null
  readonly entry_hash: string | null
  readonly note: string | null
  readonly platform_seq: string | null
  readonly signed_at: string | null
}

/** Implements SignerStore.newestHead. */
export async function newestHead(
  client: Client,
  { domainId, incarnation }: ChainRef,
): Promise<IndexedHead | undefined> {
  const { rows } = await client.query<NewestRow>(NEWEST, [domainId, incarnation])
  const [row] = rows
  if (row === undefined) return undefined
  const signedAt = readTime(row.signed_at)
  return {
    domainId,
    incarnation,
    size: Number(row.size),
    root: row.root ?? '',
    entryHash: row.entry_hash ?? '',
    note: row.note ?? '',
    signedAt: typeof signedAt === 'bigint' ? signedAt : 0n,
    ...(row.platform_seq !== null && { platformSeq: Number(row.platform_seq) }),
  }
}
