import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { A, type ExpectedFinding, mismatch } from '../support/attacks/attack.js'
import { a } from '../support/attacks/chains.js'
import { type AttackFixture, attackFixture } from '../support/attacks/fixture.js'
import { change } from '../support/attacks/statements.js'
import { jsonVerdicts, textVerdicts } from '../support/attacks/verdict.js'
import { runCli } from '../support/cli.js'
import { rowsOf } from '../support/postgres.js'

const NOT_QUARANTINED = 'note: the findings were not quarantined'
const DAMAGE = change(4, { relation: 'x' })
const FINDINGS: readonly ExpectedFinding[] = [mismatch({ ...a(4), relation: 'x' })]

interface Role {
  readonly name: string
  /** SQL that sets up the login role @role. */
  readonly sql: string
  readonly words?: readonly string[]
  /** The number of findings that reach the quarantine, and the start of the note on stderr. */
  readonly quarantined: number
  readonly note: string
}

const ROLES: readonly Role[] = [
  { name: 'audit_reader', sql: 'GRANT audit_reader TO @role', quarantined: 0, note: NOT_QUARANTINED },
  { name: 'audit_eraser', sql: 'GRANT audit_eraser TO @role', quarantined: 0, note: NOT_QUARANTINED },
  { name: 'audit_writer', sql: 'GRANT audit_writer TO @role', quarantined: 1, note: '1 quarantined' },
  { name: 'audit_archiver', sql: 'GRANT audit_archiver TO @role', quarantined: 1, note: '1 quarantined' },
  { name: 'audit_signer', sql: 'GRANT audit_signer TO @role', quarantined: 1, note: '1 quarantined' },
  {
    name: 'audit_archiver and audit_signer',
    sql: 'GRANT audit_archiver, audit_signer TO @role',
    quarantined: 1,
    note: '1 quarantined',
  },
  {
    name: 'audit_writer, read-only by default',
    sql: 'GRANT audit_writer TO @role; ALTER ROLE @role SET default_transaction_read_only = on',
    quarantined: 0,
    note: NOT_QUARANTINED,
  },
  {
    name: 'superuser, read-only by default',
    sql: 'ALTER ROLE @role SUPERUSER; ALTER ROLE @role SET default_transaction_read_only = on',
    quarantined: 0,
    note: NOT_QUARANTINED,
  },
  {
    name: 'audit_reader with --no-quarantine',
    sql: 'GRANT audit_reader TO @role',
    words: ['--no-quarantine'],
    quarantined: 0,
    note: '',
  },
]

/** Roles that cannot see the whole chain; verify calls it neither intact nor diverged. */
const BLIND = [
  ['without any privilege', ''],
  ['without the rows', 'GRANT SELECT ON audit_schema_migration, audit_domain, audit_log_chain_head TO @role'],
  ['without the head', 'GRANT SELECT ON audit_schema_migration, audit_domain, audit_log_entry TO @role'],
  [
    'with a policy that hides rows',
    `GRANT audit_reader TO @role; ALTER TABLE audit_log_entry ENABLE ROW LEVEL SECURITY;
     CREATE POLICY few ON audit_log_entry FOR SELECT USING (seq < 3)`,
  ],
] as const

let fixture: AttackFixture

beforeAll(async () => {
  fixture = await attackFixture()
})

afterAll(() => fixture.drop())

interface Login {
  verify(...words: readonly string[]): ReturnType<typeof runCli>
  /** Returns the codes in the quarantine, read by the superuser. */
  quarantine(): Promise<unknown[]>
}

/** Calls `use` with a new role on a new copy of the chains. */
async function asRole(sql: string, attack: string, use: (login: Login) => Promise<void>): Promise<void> {
  const role = `login_${randomBytes(4).toString('hex')}`
  const field = await fixture.attacked(attack)
  const url = field.url.replace('postgres@', `${role}@`)
  await rowsOf(field.url, `CREATE ROLE ${role} LOGIN; ${sql.replaceAll('@role', role)}`)
  try {
    await use({
      verify: (...words) => runCli(['verify', '--domain', A, ...words, '--database-url', url]),
      quarantine: () => rowsOf(field.url, 'SELECT code FROM audit_tamper_quarantine'),
    })
  } finally {
    await rowsOf(field.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
    await field.drop()
  }
}

describe.concurrent.each(ROLES.map((role) => [role.name, role] as const))('%s', (_name, role) => {
  const { sql, words = [], quarantined, note } = role

  it('gets the verdict of a damaged chain', () =>
    asRole(sql, DAMAGE, async ({ verify, quarantine }) => {
      const json = await verify('--json', ...words)
      expect(json.code).toBe(1)
      expect(jsonVerdicts(json.stdout)).toEqual([{ chain: A, ok: false, findings: FINDINGS }])
      expect(json.stderr.startsWith(note)).toBe(true)
      expect(json.stderr.split('\n')).toHaveLength(note === '' ? 1 : 2)
      expect(await quarantine()).toEqual(FINDINGS.slice(0, quarantined).map(({ code }) => ({ code })))
      const text = await verify(...words)
      expect(text.code).toBe(1)
      expect(textVerdicts(text.stdout)).toEqual([{ chain: A, ok: false, findings: FINDINGS }])
      expect(await quarantine()).toHaveLength(quarantined)
    }))

  it('gets the verdict of an intact chain without a note', () =>
    asRole(sql, '', async ({ verify }) => {
      expect(await verify(...words)).toMatchObject({ code: 0, stderr: '' })
    }))
})

describe.concurrent.each(BLIND)('a role %s', (_name, sql) => {
  it.each([
    ['damaged', DAMAGE],
    ['intact', ''],
  ])('cannot check a chain that is %s', (_state, attack) =>
    asRole(sql, attack, async ({ verify, quarantine }) => {
      const json = await verify('--json')
      expect(json).toMatchObject({ code: 3, stdout: '' })
      expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'database_permission_denied' } })
      const text = await verify()
      expect(text).toMatchObject({ code: 3, stdout: '' })
      expect(text.stderr).toMatch(/^Error: .*Postgres: .*\(42501\)$/m)
      expect(await quarantine()).toEqual([])
    }),
  )
})
