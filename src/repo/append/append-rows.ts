import pg from 'pg'
import type { Client } from '../session/database.js'
import { assertWritten } from '../session/written.js'
import { HeadRace } from './append-chains.js'
import type { Placement } from './append-placement.js'
import { assertStored } from './assert-stored.js'
import { inRegistry } from './registered-state.js'

/** Inserts in the order of the ids, so that two transactions that begin the same chains never deadlock. */
const INSERT_DOMAINS = `
  INSERT INTO audit_domain (domain_id, name, mirror_url)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS d(id, name, mirror_url) ORDER BY id`

const INSERT_HEADS = `
  INSERT INTO audit_log_chain_head (domain_id, next_seq, head_hash)
  SELECT id, next_seq, decode(hash, 'hex') FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS h(id, next_seq, hash)
  ORDER BY id`

/** Registers new Domains and inserts the heads of chains that begin. */
export async function beginChains(client: Client, placement: Placement): Promise<void> {
  await register(client, placement)
  const fresh = placement.heads().filter(({ before }) => before === undefined)
  if (fresh.length === 0) return
  const columns = [
    fresh.map(({ domainId }) => domainId),
    fresh.map(({ after }) => after.nextSeq),
    fresh.map(({ after }) => after.headHash),
  ]
  const { rowCount } = await client.query(INSERT_HEADS, columns).catch((error: unknown) => {
    throw isTaken(error) ? new HeadRace(error) : error
  })
  assertStored('audit_log_chain_head', rowCount, fresh.length)
}

/** The statement that advances heads, with its values in it, and how many heads it must advance. */
export interface Advance {
  readonly text: string
  readonly heads: number
}

/**
 * Returns the statement that advances the heads which were there before, if there are any. It updates only the head that was
 * read: a head that came after the lock statement is not locked, and a head that moved in spite of the lock would fork the
 * chain.
 */
export function advanceOf(placement: Placement): Advance | undefined {
  const moved = placement
    .heads()
    .flatMap(({ domainId, before, after }) =>
      before === undefined
        ? []
        : [
            `('${domainId}'::uuid, ${after.nextSeq}::bigint, '\\x${after.headHash}'::bytea, ${before.nextSeq}::bigint)`,
          ],
    )
  if (moved.length === 0) return undefined
  const text = `UPDATE audit_log_chain_head AS h SET next_seq = n.next_seq, head_hash = n.hash
    FROM (VALUES ${moved.join(', ')}) AS n(id, next_seq, hash, before)
    WHERE h.domain_id = n.id AND h.next_seq = n.before`
  return { text, heads: moved.length }
}

async function register(client: Client, { started }: Placement): Promise<void> {
  const domains = [...started].flatMap(([id, { registration }]) =>
    registration === undefined ? [] : [{ id, registration }],
  )
  if (domains.length === 0) return
  const { rowCount } = await client.query(INSERT_DOMAINS, [
    domains.map(({ id }) => id),
    domains.map(({ registration }) => registration.name),
    domains.map(({ registration }) => registration.mirrorUrl ?? null),
  ])
  assertStored('audit_domain', rowCount, domains.length)
  await assertWritten(client, inRegistry(domains))
}

/** Returns whether another transaction has inserted a head of these chains meanwhile. */
function isTaken(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.table === 'audit_log_chain_head'
}
