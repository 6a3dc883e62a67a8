import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CallerClient } from '../../src/ports/append.js'
import { allFindings, chainLength, storedRows } from '../support/append-chains.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'
import { entryOf, Service } from '../support/record-in.js'

const APPENDER = `caller_${process.pid}`
const STRANGER = `stranger_${process.pid}`
const KEY = '5f0c3a52-5b0a-4a0e-9d55-0a3a6b1f2c3d'

/** Personal data and a context with characters outside of ASCII, quotes and backslashes. */
const TEXTS = {
  object: `order:ä'"\\7\u{1f512}`,
  relationPath: [`a "b", c`, '{\\'],
  subject: {
    plaintext: 'Ä\\',
    emailClaim: 'ä@example.org',
    sourceIp: '192.0.2.1',
    idpClaimNames: ['sub', 'e"mail'],
  },
  context: { ip: '2001:db8::1', userAgent: `O'Hara\\`, metadata: { ключ: ['\u{1f512}', 0.5] } },
}

/** A schema whose operators, functions, types and tables would answer in place of PostgreSQL's own. */
const EVIL = `
  CREATE SCHEMA evil;
  CREATE FUNCTION evil.no(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
  CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.no);
  CREATE FUNCTION evil.no(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
  CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.no);
  CREATE FUNCTION evil.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
  CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.no);
  CREATE OPERATOR evil.<= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.no);
  CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT 'evil'$$;
  CREATE FUNCTION evil.decode(text, text) RETURNS bytea LANGUAGE sql AS $$SELECT ''::bytea$$;
  CREATE FUNCTION evil.encode(bytea, text) RETURNS text LANGUAGE sql AS $$SELECT 'evil'::text$$;
  CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT 'epoch'::timestamptz$$;
  CREATE DOMAIN evil.uuid AS pg_catalog.text;
  CREATE DOMAIN evil.text AS pg_catalog.int4;
  CREATE DOMAIN evil.timestamptz AS pg_catalog.text;
  CREATE DOMAIN evil.inet AS pg_catalog.int4;
  CREATE TABLE evil.audit_log_entry (LIKE public.audit_log_entry);
  CREATE TABLE evil.audit_log_chain_head (LIKE public.audit_log_chain_head)`

let service: Service

beforeAll(async () => {
  service = await Service.start()
  for (const role of [APPENDER, STRANGER]) await rowsOf(service.database.url, `CREATE ROLE ${role} LOGIN`)
  await rowsOf(
    service.database.url,
    `GRANT audit_writer TO ${APPENDER}; GRANT USAGE ON SCHEMA shop TO ${APPENDER}, ${STRANGER};
    GRANT ALL ON shop.orders TO ${APPENDER}, ${STRANGER}`,
  )
  await rowsOf(service.database.url, EVIL)
})

afterEach(() => service.endClients())

afterAll(async () => {
  expect(await allFindings(service.writer)).toEqual([])
  const { url } = service.database
  await rowsOf(url, `DROP OWNED BY ${APPENDER}, ${STRANGER}; DROP ROLE ${APPENDER}, ${STRANGER}`)
  await service.stop()
})

/** Those of plpgsql appear once a trigger has run. */
const SETTINGS = `SELECT name, setting FROM pg_catalog.pg_settings
  WHERE name NOT LIKE 'plpgsql.%' ORDER BY name`

describe('a session with settings of its own', () => {
  it.each([
    [
      'search_path to other operators, functions, types and tables',
      'SET search_path = evil, pg_catalog, public',
    ],
    ['search_path without the schema', 'SET search_path = pg_catalog'],
    ['DateStyle', `SET DateStyle = 'SQL, DMY'`],
    ['IntervalStyle', `SET IntervalStyle = 'sql_standard'`],
    ['TimeZone', `SET TimeZone = 'Asia/Kathmandu'`],
    ['bytea_output', `SET bytea_output = 'escape'`],
    ['standard_conforming_strings', 'SET standard_conforming_strings = off'],
    ['backslash_quote', 'SET backslash_quote = off'],
    ['client_encoding', `SET client_encoding = 'LATIN1'`],
    ['row_security', 'SET row_security = off'],
    ['array_nulls', 'SET array_nulls = off'],
    ['transform_null_equals', 'SET transform_null_equals = on'],
    ['quote_all_identifiers', 'SET quote_all_identifiers = on'],
    ['extra_float_digits', 'SET extra_float_digits = -15'],
    ['default_transaction_isolation', `SET default_transaction_isolation = 'serializable'`],
  ])('stores the same rows and keeps its settings: %s', async (_what, settings) => {
    const [a = ''] = await service.domains(1)
    const client = await service.client(settings)
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
    const before = await client.query(SETTINGS)
    const entries = [
      entryOf(a, { ...TEXTS, idempotencyKey: KEY }),
      entryOf(a),
      entryOf(a, { ...TEXTS, idempotencyKey: KEY }),
    ]
    const { placed } = await service.sink().recordIn(client, entries)
    expect(placed.map(([row]) => row?.seq)).toEqual([2, 3, 2])
    expect((await client.query(SETTINGS)).rows).toEqual(before.rows)
    await client.query('COMMIT')
    expect((await storedRows(service.database.url, a)).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(
      await rowsOf(
        service.database.url,
        `SELECT c.user_agent, c.metadata::text, host(c.ip) AS ip, p.subject_plaintext, p.email_claim, p.idp_claim_names
         FROM audit_entry_context c JOIN audit_subject_pii p USING (domain_id) WHERE domain_id = $1`,
        [a],
      ),
    ).toEqual([
      {
        user_agent: TEXTS.context.userAgent,
        metadata: JSON.stringify(TEXTS.context.metadata),
        ip: '2001:db8::1',
        subject_plaintext: 'Ä\\',
        email_claim: 'ä@example.org',
        idp_claim_names: ['sub', 'e"mail'],
      },
    ])
  })

  it('that switches triggers off is refused, and is not changed', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client('SET session_replication_role = replica')
    await client.query('BEGIN')
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'triggers_off',
    })
    expect((await client.query('SHOW session_replication_role')).rows).toEqual([
      { session_replication_role: 'replica' },
    ])
    expect((await client.query('COMMIT')).command).toBe('COMMIT')
    expect(await chainLength(service.writer, a)).toBe(1)
  })

  it('whose statement_timeout ends a statement of recordIn stays usable', async () => {
    const [a = ''] = await service.domains(1)
    const [client, other] = [await service.client(`SET statement_timeout = '300ms'`), await service.client()]
    const sink = service.sink()
    await other.query('BEGIN')
    await sink.recordIn(other, [entryOf(a)])
    await client.query('BEGIN')
    await expect(sink.recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'database_failed',
      message: expect.stringContaining('57014'),
    })
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  it.each([
    ['off', 'on'],
    ['local', 'on'],
    ['on', 'on'],
    ['remote_apply', 'remote_apply'],
  ])('with synchronous_commit %s has %s until the transaction ends', async (session, inside) => {
    const [a = ''] = await service.domains(1)
    const client = await service.client(`SET synchronous_commit = ${session}`)
    const shown = async () => (await client.query('SHOW synchronous_commit')).rows[0].synchronous_commit
    const sink = service.sink()
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf('018f0000-0000-7000-8000-00000000dead')]).catch(() => undefined)
    expect(await shown()).toBe(session)
    await sink.recordIn(client, [entryOf(a)])
    expect(await shown()).toBe(inside)
    await client.query('COMMIT')
    expect(await shown()).toBe(session)
  })
})

describe('the role of a session', () => {
  const connect = async (role: string) => {
    const client = new pg.Client({ connectionString: service.database.url.replace('postgres@', `${role}@`) })
    await client.connect()
    await client.query('BEGIN')
    return client
  }

  it('needs audit_writer', async () => {
    const [a = ''] = await service.domains(1)
    const client = await connect(APPENDER)
    const entry = entryOf(a, { ...TEXTS, idempotencyKey: KEY })
    await service.sink().recordIn(client, [entry, entry])
    await client.query(`INSERT INTO shop.orders VALUES ('appender')`)
    await client.query('COMMIT')
    await client.end()
    expect(await chainLength(service.writer, a)).toBe(2)
  })

  it('is refused without audit_writer, and its transaction stays usable', async () => {
    const [a = ''] = await service.domains(1)
    const client = await connect(STRANGER)
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'database_permission_denied',
    })
    await client.query(`INSERT INTO shop.orders VALUES ('stranger')`)
    expect((await client.query('COMMIT')).command).toBe('COMMIT')
    await client.end()
  })

  it.each(['on', 'off'])(
    'is refused where a policy may hide rows from it, with row_security %s',
    async (security) => {
      const [a = ''] = await service.domains(1)
      await rowsOf(service.database.url, 'ALTER TABLE audit_log_chain_head ENABLE ROW LEVEL SECURITY')
      const client = await connect(APPENDER)
      await client.query(`SET LOCAL row_security = ${security}`)
      const refused = service.sink().recordIn(client, [entryOf(a)])
      await expect(refused).rejects.toMatchObject({
        code: 'database_permission_denied',
        advice: { code: 'find_policy' },
      })
      await client.query('ROLLBACK')
      await client.end()
      await rowsOf(service.database.url, 'ALTER TABLE audit_log_chain_head DISABLE ROW LEVEL SECURITY')
    },
  )
})

/** A wrapper that has nothing but query, and that keeps what it was given. */
class Wrapper implements CallerClient {
  readonly given: unknown[][] = []
  readonly #client: pg.Client
  readonly #result: (result: pg.QueryResult) => unknown

  constructor(client: pg.Client, result: (result: pg.QueryResult) => unknown = (same) => same) {
    this.#client = client
    this.#result = result
  }

  async query(...given: [text: string, values?: unknown[]]): Promise<unknown> {
    this.given.push(given)
    const result: unknown = await this.#client.query(...given)
    return Array.isArray(result) ? result.map(this.#result) : this.#result(result as pg.QueryResult)
  }
}

const UPPER = (row: object) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toUpperCase(), value]))

describe('a client that is wrapped', () => {
  it.each<[string, (result: pg.QueryResult) => unknown]>([
    ['as it is', (result) => result],
    [
      'with results as pg-native returns them',
      ({ command, rowCount, rows }) => ({ command, rowCount, rows }),
    ],
    ['with columns of other names', ({ rowCount, rows }) => ({ rowCount, rows: rows.map(UPPER) })],
    ['with rows as arrays', ({ rowCount, rows }) => ({ rowCount, rows: rows.map(Object.values) })],
  ])('and has only query works: %s', async (_what, result) => {
    const [a = '', b = ''] = await service.domains(2)
    const client = new Wrapper(await service.client(), result)
    await client.query('BEGIN')
    const entry = entryOf(b, { ...TEXTS, idempotencyKey: KEY })
    const recorded = await service.sink().recordIn(client, [entryOf(a), entry, entry])
    expect(recorded.placed.map(([row]) => row?.seq)).toEqual([2, 2, 2])
    expect(await service.sink().recordIn(client, [entry])).toEqual({
      placed: [recorded.placed[1]],
      durable: false,
    })
    await client.query('COMMIT')
  })

  it('throws errors of its own works', async () => {
    const [a = ''] = await service.domains(1)
    const inner = await service.client()
    const client: CallerClient = {
      query: (text) =>
        inner.query(text).catch((cause: unknown) => {
          throw new Error(`failed: ${text.slice(0, 10)}`, { cause })
        }),
    }
    await expect(service.sink().recordIn(client, [entryOf(a)])).rejects.toMatchObject({
      code: 'no_transaction',
    })
  })

  it('has type parsers of its own works', async () => {
    const [a = ''] = await service.domains(1)
    const types = { getTypeParser: (oid: number) => (text: string) => (oid === 25 ? text : 'parsed') }
    const client = new pg.Client({ connectionString: service.database.url, types: types as never })
    await client.connect()
    await client.query('BEGIN')
    const recorded = await service.sink().recordIn(client, [entryOf(a, { idempotencyKey: KEY }), entryOf(a)])
    expect(recorded).toMatchObject({ placed: [[{ seq: 2 }], [{ seq: 3 }]] })
    await client.query('COMMIT')
    await client.end()
  })
})

describe('the queries of one call', () => {
  /** Returns what was sent for entries on these chains, after `before` in the same transaction. */
  const sent = async (chains: readonly string[], before: readonly string[] = [], texts: object = TEXTS) => {
    const client = new Wrapper(await service.client())
    const sink = service.sink()
    await client.query('BEGIN')
    if (before.length > 0)
      await sink.recordIn(
        client,
        before.map((id) => entryOf(id)),
      )
    client.given.length = 0
    await sink.recordIn(
      client,
      chains.map((id) => entryOf(id, { ...texts, idempotencyKey: KEY })),
    )
    await client.query('ROLLBACK')
    return client.given.slice(0, -1)
  }

  it('are two without personal data, three with it, and one more where a chain is out of order or many are opened', async () => {
    const chains = await service.domains(12)
    const [a = '', b = ''] = chains
    expect(await sent([a], [], {})).toHaveLength(2)
    expect(await sent([a], [b], {})).toHaveLength(3)
    expect(await sent(chains, [], {})).toHaveLength(3)
    expect(await sent([a])).toHaveLength(3)
    expect(await sent([a, b])).toHaveLength(3)
    expect(await sent([b], [a])).toHaveLength(3)
    expect(await sent([a], [b])).toHaveLength(4)
    expect(await sent(chains)).toHaveLength(4)
    expect(await sent(chains, [chains[11] ?? ''])).toHaveLength(4)
  })

  it('begin with SAVEPOINT, are unnamed texts, have personal data as a value, and write rows by INSERT', async () => {
    const queries = await sent(await service.domains(1))
    expect(queries.map((given) => given.map((part) => typeof part))).toEqual([
      ['string'],
      ['string', 'object'],
      ['string'],
    ])
    const texts = queries.map(([text]) => String(text))
    expect(texts[0]).toMatch(/^SAVEPOINT /)
    expect(texts.join()).toContain('INSERT INTO "public".audit_log_entry')
    expect(texts.join()).not.toMatch(/\bCOPY\b|\bPREPARE\b/)
    expect(texts.join()).not.toMatch(/example|192\.0\.2|2001:db8|Hara/)
    expect(queries[1]?.[1]).toEqual([expect.stringContaining('example.org')])
  })

  it('name every table with its schema, and every operator and function with pg_catalog', async () => {
    for (const [text] of await sent(await service.domains(1))) {
      const sql = String(text).replaceAll(/E?'(?:[^'])*'/g, `''`)
      expect(sql.match(/(?<!["\w.])audit_(?!record_in)\w+(?= )/g) ?? []).toEqual([])
      expect(
        sql.match(
          /(?<!SELECT)\s(?:<>|<=|>=|=|<|>|\|\||-|\*)\s(?!coalesce|CASE|greatest|pg_catalog.decode|\d|'')/g,
        ) ?? [],
      ).toEqual([])
    }
  })
})

describe('idempotency keys', () => {
  it('are known to later calls, and are written anew once they have expired', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    const entry = entryOf(a, { idempotencyKey: KEY })
    const recordIn = async () => {
      await client.query('BEGIN')
      const { placed } = await sink.recordIn(client, [entry])
      await client.query('COMMIT')
      return placed[0]?.[0]?.seq
    }
    expect([await recordIn(), await recordIn()]).toEqual([2, 2])
    expect(await sink.record(entry)).toMatchObject([{ seq: 2 }])
    await asSuperuser(
      service.database.url,
      `UPDATE audit_idempotency_key SET created_at = now() - interval '8 days'
      WHERE domain_id = '${a}'`,
    )
    expect([await recordIn(), await recordIn()]).toEqual([3, 3])
    const keys = await rowsOf(
      service.database.url,
      'SELECT seq::int FROM audit_idempotency_key WHERE domain_id = $1',
      [a],
    )
    expect(keys).toEqual([{ seq: 3 }])
  })

  it('that have expired are deleted by a later call with a key', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    const sink = service.sink()
    await sink.record(entryOf(a, { idempotencyKey: KEY }))
    await asSuperuser(
      service.database.url,
      `UPDATE audit_idempotency_key SET created_at = now() - interval '8 days'`,
    )
    await client.query('BEGIN')
    await sink.recordIn(client, [entryOf(a, { idempotencyKey: KEY.replace('5f', '6f') })])
    await client.query('COMMIT')
    const keys = await rowsOf(
      service.database.url,
      'SELECT key FROM audit_idempotency_key WHERE domain_id = $1',
      [a],
    )
    expect(keys).toEqual([{ key: KEY.replace('5f', '6f') }])
  })
})

describe('a chain', () => {
  it('that is ahead of the clock gives its time to the rows', async () => {
    const fresh = await Service.start()
    const [a = ''] = await fresh.domains(1)
    const ahead = Date.now() + 3_600_000
    await asSuperuser(
      fresh.database.url,
      `UPDATE audit_log_entry SET recorded_at = to_timestamp(${ahead} / 1000.0) WHERE domain_id = '${a}'`,
    )
    const client = await fresh.client()
    await client.query('BEGIN')
    const { placed } = await fresh.sink().recordIn(client, [entryOf(a)])
    expect(placed).toMatchObject([[{ seq: 2, recordedAt: BigInt(ahead) * 1000n }]])
    expect(placed[0]?.[0]?.secondsAhead).toBeGreaterThan(3500)
    await client.query('COMMIT')
    await fresh.stop()
  })

  it('keeps no personal data of a blocked subject', async () => {
    const [a = ''] = await service.domains(1)
    const client = await service.client()
    await service.writer.record(a)
    await rowsOf(
      service.database.url,
      `INSERT INTO audit_subject_block (domain_id, subject_pseudonym)
      SELECT domain_id, subject_pseudonym FROM audit_log_entry WHERE domain_id = $1 AND seq = 2`,
      [a],
    )
    await client.query('BEGIN')
    await service.sink().recordIn(client, [entryOf(a, TEXTS)])
    await client.query('COMMIT')
    const stored = (table: string) =>
      rowsOf(service.database.url, `SELECT FROM ${table} WHERE domain_id = $1`, [a])
    expect([await stored('audit_subject_pii'), await stored('audit_entry_context')]).toEqual([[], []])
    expect(await chainLength(service.writer, a)).toBe(3)
  })

  it.each([
    ['the head is behind the rows', `UPDATE audit_log_chain_head SET next_seq = 2 WHERE domain_id = $1`],
    ['the head is ahead of the rows', `UPDATE audit_log_chain_head SET next_seq = 9 WHERE domain_id = $1`],
    [
      'the head has another hash',
      `UPDATE audit_log_chain_head SET head_hash = sha256('x') WHERE domain_id = $1`,
    ],
    ['the head is gone', `DELETE FROM audit_log_chain_head WHERE domain_id = $1`],
    ['the last row is gone', `DELETE FROM audit_log_entry WHERE domain_id = $1 AND seq = 3`],
    ['the genesis row is gone', `DELETE FROM audit_log_entry WHERE domain_id = $1 AND seq = 1`],
    [
      'the last row has another hash',
      `UPDATE audit_log_entry SET entry_hash = sha256('x') WHERE domain_id = $1 AND seq = 3`,
    ],
  ])('is refused as record refuses it where %s', async (_what, attack) => {
    const fresh = await Service.start()
    const [a = ''] = await fresh.domains(1)
    for (let i = 0; i < 2; i += 1) await fresh.writer.record(a)
    await asSuperuser(fresh.database.url, (client) => client.query(attack, [a]).then(() => undefined))
    const sink = fresh.sink()
    const client = await fresh.client()
    await client.query('BEGIN')
    const [ours, theirs] = [
      await sink.recordIn(client, [entryOf(a)]).catch((error: unknown) => error),
      await client.query('COMMIT').then(() => sink.record(entryOf(a)).catch((error: unknown) => error)),
    ]
    expect(ours).toMatchObject({ code: 'chain_conflict' })
    expect(String(ours)).toBe(String(theirs))
    await fresh.stop()
  })
})
