import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../src/repo/schema/migrate.js'
import { pinSchema } from '../../src/repo/schema/schema-status.js'
import { Database } from '../../src/repo/session/database.js'
import { quotedLiteral } from '../../src/repo/session/quoted-literal.js'
import { assertSettings, settingsQuery } from '../../src/repo/session/session-settings.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase({ migrated: false })
})

afterAll(() => database.drop())

const optionsOf = (...settings: string[]) =>
  encodeURIComponent(settings.map((setting) => `-c ${setting}`).join(' '))

describe('a quoted literal', () => {
  it.each([
    '',
    'plain',
    `it's`,
    String.raw`a\b\'`,
    '"x", pg_temp',
    'журнал',
    '\u{1f512}',
    '\n\t',
    "E'\\u0041'",
  ])('is the text %j, whatever the settings of the session', async (text) => {
    for (const value of ['on', 'off']) {
      const url = `${database.url}&options=${optionsOf(`standard_conforming_strings=${value}`)}`
      expect(await rowsOf(url, `SELECT ${quotedLiteral(text)} AS text`)).toEqual([{ text }])
      expect(quotedLiteral(text)).toMatch(/^[\u0020-\u007e]*$/)
    }
  })
})

it('finds the log in a schema whose name another client_encoding would change', async () => {
  const name = new URL(database.url.replace('@/', '@h/')).pathname.slice(1)
  await rowsOf(database.url, `CREATE SCHEMA prüfung`)
  await rowsOf(database.url, `ALTER DATABASE ${name} SET search_path = prüfung`)
  await migrate(database.url)
  const [version] = await rowsOf(database.url, `SELECT current_setting('server_version_num')::int AS number`)
  if (Number(version?.number) >= 170_000) {
    await rowsOf(
      database.url,
      `CREATE FUNCTION public.at_login() RETURNS event_trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); END $$;
       CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION public.at_login()`,
    )
  }
  const connected = new Database(database.url, 1)
  try {
    await pinSchema(connected)
    expect(connected.location?.schema).toBe('prüfung')
    const { rows } = await connected.read((client) => client.query('SELECT count(*) FROM audit_log_entry'))
    expect(rows).toEqual([{ count: '0' }])
  } finally {
    await connected.close()
  }
})

describe('the settings of a transaction', () => {
  const settings = { lockTimeout: 1000, searchPath: '"log", pg_temp' }
  const inForce = async () => rowsOf(database.url, settingsQuery(settings))

  it('are in force', async () => {
    expect(assertSettings({ rows: await inForce() }, settings).replicationRole).toBe('origin')
  })

  it.each([
    ['client_encoding', 'LATIN1'],
    ['row_security', 'on'],
    ['search_path', 'evil'],
    ['TimeZone', undefined],
  ])('are an error where %s is %s', async (name, value) => {
    const rows = [{ ...(await inForce())[0], [name]: value }]
    expect(() => assertSettings([{ rows: [] }, { rows }], settings)).toThrow(
      expect.objectContaining({ code: 'database_failed', message: expect.stringContaining(name) }),
    )
  })

  it('are an error where nothing was answered', () => {
    expect(() => assertSettings([{ rows: [] }], settings)).toThrow(
      expect.objectContaining({ code: 'database_failed' }),
    )
  })
})
