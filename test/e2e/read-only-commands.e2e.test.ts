import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT, runCli } from '../support/cli.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0b-000000000001'
const chain = ['--domain', DOMAIN]

/** A command line of every command that must not create a home. */
const COMMANDS: readonly (readonly string[])[] = [
  ['archive', 'backfill', ...chain],
  ['archive', 'status', '--all'],
  ['db', 'migrate'],
  ['domain', 'list'],
  ['domain', 'name', ...chain, '--name', 'a'],
  ['erase-identity', ...chain, '--subject', 'a', '--confirm'],
  ['export', ...chain, '--output', 'never.tar'],
  ['get', '--platform', '--seq', '1'],
  ['hold', 'list', '--all'],
  ['hold', 'place', ...chain, '--reason', 'case 1'],
  ['hold', 'release', '1', '--reason', 'case 1'],
  ['identify', ...chain, '--subject-id', 'alice', '--reason', 'x'],
  ['identify', '--all', '--pseudonym', '00'.repeat(32), '--reason', 'x'],
  ['key', 'create', '--platform', '--relation', 'auditor', '--expires', '1d'],
  ['key', 'list', '--all'],
  ['key', 'policy', ...chain],
  ['key', 'revoke', 'ak_0123456789abcdef'],
  ['list', '--platform'],
  ['list', '--platform', '--subject-id', 'alice'],
  ['checkpoint', 'create', '--all'],
  ['log', 'init'],
  ['log', 'policy'],
  ['pepper', 'provision', ...chain, '--pepper', 'openbao://127.0.0.1:1/kv/audit'],
  ['quarantine', 'acknowledge', '1', '--reason', 'seen'],
  ['quarantine', 'list', '--all'],
  ['quarantine', 'show', '1'],
  ['relation', 'grant', '--platform', '--relation', 'owner', '--subject', 'user:a'],
  ['relation', 'list', '--all'],
  ['relation', 'revoke', '--platform', '--relation', 'owner', '--subject', 'user:a'],
  ['report', ...chain, '--output', 'never.html'],
  ['retention', 'apply', ...chain],
  ['retention', 'set', ...chain, '--personal-days', '30'],
  ['retention', 'show', '--all'],
  ['stats', '--platform'],
  ['stats', '--all-chains'],
  ['verify', '--all'],
  ['verify', ...chain, '--source', 'both'],
]

/** Commands that need no database, with the exit code that they end with in an empty home. */
const WITHOUT: readonly (readonly [string, number])[] = [
  ['browse --platform', 2],
  ['db status', 3],
  ['db stop', 0],
  ['pseudonym --platform --subject-id alice', 3],
  ['relation schema', 0],
  ['verify --source bundle never.tar', 3],
  // The mirror of a home that does not exist was not given. It is not an empty mirror that lost its rows.
  ['verify --all --source mirror', 3],
  [`verify --platform --source mirror --expect-head 3:${'ab'.repeat(32)}`, 3],
  ['get 1 --platform --source mirror', 3],
  ['list --platform --source mirror', 3],
  ['verify never.tar', 3],
  ['list never.tar', 3],
  ['get 1 never.tar', 3],
  ['export never.tar --output part.tar', 3],
  ['list --platform --source mirror --mirror file:///never', 3],
  ['export --platform --source mirror --output part.tar', 3],
  ['append never.ndjson', 3],
  ['append --format cloudtrail never.json', 3],
  ['append --rejects rejected never.ndjson', 3],
  ['verify-proof never.tlog-proof --policy never.policy', 3],
  ['serve --port 0 --tls-cert never.pem --tls-key never.pem', 3],
]

function emptyPlace(): { home: string; cwd: string } {
  const cwd = mkdtempSync(join(tmpdir(), 'audit-empty-'))
  return { home: join(cwd, 'home'), cwd }
}

describe('a command that must not create a home', () => {
  it.each(COMMANDS.map((args) => [args.join(' '), args] as const))('%s ends with 3', async (_, args) => {
    const { home, cwd } = emptyPlace()
    const env = { AUDIT_HOME: home, BAO_TOKEN: 'none' }
    const { code, stdout, stderr } = await runCli([...args, '--json'], { env, cwd })
    const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
    expect([code, error.code, stdout, existsSync(home)]).toEqual([3, 'database_not_configured', '', false])
    expect(error.hint).toContain('audit domain create')
  })

  it.each(WITHOUT)('%s creates nothing and ends with %i', async (words, expected) => {
    const { home, cwd } = emptyPlace()
    const { code } = await runCli(words.split(' '), { env: { AUDIT_HOME: home }, cwd })
    expect([code, existsSync(home)]).toEqual([expected, false])
  })

  it('is every command that does not begin a log', () => {
    const { commands } = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8'))
    const begin = ['append', 'archive:restore', 'archiver', 'db:url', 'demo', 'domain:create', 'serve']
    const listed = [...COMMANDS.map((args) => args.join(' ')), ...WITHOUT.map(([words]) => words)]
    const isListed = (id: string) =>
      listed.some((words) => `${words} `.startsWith(`${id.replaceAll(':', ' ')} `))
    expect(Object.keys(commands).filter((id) => !begin.includes(id) && !isListed(id))).toEqual([])
  })
})
