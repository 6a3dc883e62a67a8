import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { KeyBook } from '../../src/chain/log/key-book.js'
import type { LogRow } from '../../src/chain/log/log-rows.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { postgresStatements } from '../../src/repo/heads/statement-store.js'
import { Database } from '../../src/repo/session/database.js'
import { RowHeads } from '../../src/verify/signed/row-heads.js'
import { dropChecks } from '../support/chain-rows.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'
import { SignedLog } from '../support/signed-log.js'
import { type SignedField, SignedSite } from '../support/signed-site.js'

let site: SignedSite
let field: SignedField
let database: Database
let log: SignedLog

beforeAll(async () => {
  site = await SignedSite.make()
  field = await site.copied()
  database = new Database(field.url)
  log = await SignedLog.open({ url: field.url })
})

afterAll(async () => {
  await log.close()
  await database.close()
  await field.drop()
  await site.drop()
})

const statements = () => postgresStatements(database)

/** Returns the sizes of the heads of a chain that the log signed. */
function sizes(rows: readonly { readonly seq?: number | undefined }[], domainId: string): number[] {
  const book = KeyBook.of({ by: 'home', keys: [log.signer.platform.key] }, rows as never, verifyEd25519)
  const heads = new RowHeads(book, rows as never).of(domainId)
  return heads
    .filter((head) => head.signer() !== undefined)
    .map(({ size }) => size)
    .sort((a, b) => a - b)
}

/** Forces rows onto the platform chain, each with the items of an SQL array. */
async function force(relation: string, items: readonly string[]): Promise<void> {
  await asSuperuser(field.url, async (client) => {
    await dropChecks(client)
    for (const [at, array] of items.entries())
      await client.query(
        `INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
           correlation_id, zedtoken, recorded_at, prev_hash, entry_hash)
         SELECT domain_id, ${1_000_000 + at}, subject_pseudonym, '${relation}', 'platform:platform', 1, ${array}, caveat_context,
           correlation_id, zedtoken, recorded_at, sha256('${relation}${at}'), sha256('x${relation}${at}')
         FROM audit_log_entry WHERE domain_id = '${PLATFORM_ANCHOR}' AND seq = 1`,
      )
  })
}

describe('the signed rows of PostgreSQL', () => {
  it('of one chain have its heads, and those of all chains have all', async () => {
    expect(sizes((await statements().ofChain(field.a)).rows, field.a)).toEqual([3, 6, 10])
    const all = (await statements().ofAll()).rows
    expect([sizes(all, field.a), sizes(all, field.b)]).toEqual([
      [3, 6, 10],
      [3, 3, 3],
    ])
    expect(sizes(all, PLATFORM_ANCHOR).length).toBe(2)
  })

  it('between two rows are those rows', async () => {
    const { rows } = await statements().ofChain(field.a)
    const seqs = rows.filter(({ relation }) => relation === 'audit.checkpoint').map(({ seq = 0 }) => seq)
    const [from = 0, to = 0] = [Math.min(...seqs), Math.max(...seqs)]
    const between = await statements().headsBetween(field.a, { from: from + 1, to })
    expect(
      sizes([...rows.filter(({ relation }) => relation === 'audit.log-key'), ...between], field.a),
    ).toEqual([6, 10])
  })

  it('are found by the index of the signer, behind a flood of other rows', async () => {
    await asSuperuser(
      field.url,
      `INSERT INTO audit_log_entry (domain_id, seq, subject_pseudonym, relation, object, reason, relation_path, caveat_context,
         correlation_id, zedtoken, recorded_at, prev_hash, entry_hash)
       SELECT domain_id, 2000000 + n, subject_pseudonym, relation, object, reason, relation_path, caveat_context, correlation_id,
         zedtoken, recorded_at, sha256(('p' || n)::bytea), sha256(('e' || n)::bytea)
       FROM audit_log_entry, generate_series(1, 2500) AS n
       WHERE domain_id = '${PLATFORM_ANCHOR}' AND seq = 1`,
    )
    await asSuperuser(
      field.url,
      `UPDATE audit_log_entry SET relation = 'audit.checkpoint', relation_path = ARRAY['x'] WHERE seq > 2000000`,
    )
    const read = await statements().ofChain(field.a)
    expect(sizes(read.rows, field.a)).toEqual([3, 6, 10])
    expect(read.others).toEqual([{ relation: 'audit.checkpoint', lastItem: 'x', rows: 1000 }])
    const paged: LogRow[] = []
    await statements().headsNewestFirst(field.a, { above: 0, below: 3_000_000 }, (rows) =>
      paged.push(...rows),
    )
    expect(sizes(paged, field.a)).toEqual([3, 6, 10])
    await asSuperuser(field.url, 'DELETE FROM audit_log_entry WHERE seq > 2000000')
  })

  it('with values that no append writes are ordinary rows', async () => {
    const [row] = await rowsOf(
      field.url,
      `SELECT relation_path FROM audit_log_entry WHERE domain_id = '${PLATFORM_ANCHOR}' AND relation = 'audit.checkpoint' LIMIT 1`,
    )
    const items = ((row?.relation_path as string[] | undefined) ?? []).map((item) => `'${item}'`)
    await force('audit.checkpoint', [
      'NULL',
      'ARRAY[NULL]::text[]',
      `ARRAY[${items.join(', ')}, NULL]`,
      `ARRAY[NULL, ${items.join(', ')}]`,
      `ARRAY[concat_ws(E'\\n', ${items.join(', ')})]`,
      `ARRAY[ARRAY[${items.join(', ')}]]`,
      `array_fill('head:${field.a}:1:9'::text, ARRAY[5000])`,
      `ARRAY[repeat('head:${field.a}:1:9', 1000000)]`,
    ])
    const { rows, others } = await statements().ofChain(field.a)
    expect(sizes(rows, field.a)).toEqual([3, 6, 10])
    expect(rows.length + others.reduce((sum, other) => sum + other.rows, 0)).toBe(1 + 3 + 8)
    expect(sizes((await statements().ofAll()).rows, field.a)).toEqual([3, 6, 10])
    const [code] = await field.verify('--domain', field.a)
    expect(code).toBe(0)
  })

  it('are read by a login that may not read the index', async () => {
    const role = `reader_${process.pid}`
    await asSuperuser(
      field.url,
      `CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON audit_log_entry TO ${role}`,
    )
    const own = new Database(field.url.replace(/\/\/[^@]*@/, `//${role}@`))
    expect(sizes((await postgresStatements(own).ofChain(field.a)).rows, field.a)).toEqual([3, 6, 10])
    await own.close()
    await asSuperuser(
      field.url,
      `REVOKE ALL ON audit_log_entry FROM ${role}; REVOKE ALL ON SCHEMA public FROM ${role}; DROP ROLE ${role}`,
    )
  })
})
