import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { runCli } from '../support/cli.js'

/** The files that command lines name. */
const inputs = mkdtempSync(join(tmpdir(), 'audit-inputs-'))
afterAll(() => rmSync(inputs, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(inputs, name)
  writeFileSync(path, content)
  return path
}

const line = (fields: object) =>
  `${JSON.stringify({ subject_id: 'alice', relation: 'order.read', object: 'order:1', ...fields })}\n`
const DOMAIN = '0190a8b8-a0c0-7a0a-8a0b-000000000001'
const NIL = '00000000-0000-0000-0000-000000000000'
const entry = ['append', '--subject', 'alice', '--relation', 'order.read']
const PEM = file('no.pem', 'nothing\n')
const MAP = file('map', 'x\n')
const HEADS = file('heads', 'x\n')
const REJECTS = file('rejects', '')
const HTTPS = 'https://issuer.example/jwks'

type Case = readonly [args: readonly string[], code: string, message: string, options?: Options]
interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

const CASES: readonly Case[] = [
  [['domain', 'create', '--domain', 'zzz'], 'invalid_domain_id', '--domain: '],
  [['domain', 'create', '--domain', NIL], 'invalid_domain_id', '--domain: '],
  [['domain', 'create', '--domain', PLATFORM_ANCHOR], 'invalid_domain_id', '--domain: '],
  [['domain', 'create', '--name', 'a@b.c'], 'personal_data_in_chain', '--name: '],
  [['domain', 'create', '--name', 'of bob', '--actor', 'bob'], 'personal_data_in_chain', '--name: '],
  [['domain', 'create', '--name', 'x'.repeat(508)], 'usage', '--name: '],
  [['domain', 'create', '--mirror', 'nonsense'], 'usage', 'mirror'],
  [['domain', 'create', '--mirror', `file:///${'x'.repeat(600)}`], 'usage', '--mirror: '],
  [['domain', 'create', '--pepper', 'nonsense'], 'usage', 'pepper source: '],
  [['domain', 'create', '--actor', ''], 'invalid_subject', 'the actor: '],
  [['domain', 'create', '--nope'], 'usage', '--nope'],
  [[...entry, '--object', 'order:1'], 'residency_unknown', 'the object does not say'],
  [[...entry, '--object', `domain:${DOMAIN}`], 'residency_unknown', `no Domain ${DOMAIN}`],
  [[...entry, '--object', 'cloud:a', '--domain', DOMAIN], 'residency_unknown', 'does not belong'],
  [[...entry, '--object', 'order:alice', '--platform'], 'personal_data_in_chain', 'object'],
  [
    ['append', '--platform', file('reserved.ndjson', line({ relation: 'audit.log-key' }))],
    'relation_reserved',
    'reserved.ndjson, line 1: ',
  ],
  [[...entry, '--object', 'order:1', '--domain', 'zzz'], 'invalid_domain_id', '--domain: '],
  [[...entry, '--object', 'order:1', '--platform', '--metadata', '{'], 'invalid_input', '--metadata: '],
  [[...entry, '--platform'], 'usage', 'an entry needs --object'],
  [['append', '--platform'], 'usage', 'nothing to append'],
  [['append', '--platform', file('bad.ndjson', 'x\n')], 'invalid_input', 'bad.ndjson, line 1: '],
  [['append', '--platform', file('empty.ndjson', '')], 'invalid_input', 'no entry'],
  [['append', file('chainless.ndjson', line({}))], 'residency_unknown', 'chainless.ndjson, line 1: '],
  [
    ['append', '--platform', file('person.ndjson', line({ object: 'order:alice' }))],
    'personal_data_in_chain',
    '',
  ],
  [['append', '--platform', '--format', 'cloudtrail', file('bad.json', '{}')], 'invalid_input', 'bad.json'],
  [['append', '--platform', '--rejects', REJECTS, file('good.ndjson', line({}))], 'usage', '--rejects: '],
  [['append', '--platform', '--stdin'], 'invalid_input', 'standard input, line 1: ', { input: 'x\n' }],
  [['append', '--platform', '--stdin'], 'invalid_input', 'no entry', { input: '' }],
  [['append', '--platform', '--stdin', '--pepper', 'x'], 'usage', 'pepper source: ', { input: line({}) }],
  [['db', 'url', 'extra'], 'usage', 'extra'],
  [['db', 'url', '--pepper', 'nonsense'], 'usage', 'pepper source: '],
  [['db', 'url', '--database-url', 'nonsense'], 'usage', '--database-url'],
  [['archiver', '--once', '--mirror', 'nonsense'], 'usage', 'mirror'],
  [['archiver', '--once', '--mirror-map', MAP], 'invalid_input', 'the mirror map'],
  [['archiver', '--once', '--concurrency', '0'], 'usage', '--concurrency'],
  [['archiver', '--once', '--pepper', 'nonsense'], 'usage', 'pepper source: '],
  [['archiver', '--once'], 'usage', 'AUDIT_ALERT_WEBHOOK_URL', { env: { AUDIT_ALERT_WEBHOOK_URL: 'x' } }],
  [['archive', 'restore'], 'usage', 'no chain chosen'],
  [['archive', 'restore', '--all', '--mirror', 'nonsense'], 'usage', 'mirror'],
  [['archive', 'restore', '--all', '--mirror-map', MAP], 'invalid_input', 'the mirror map'],
  [['archive', 'restore', '--all', '--expect-heads', HEADS], 'invalid_input', 'heads'],
  [['archive', 'restore', '--platform', '--expect-head', 'x'], 'usage', '--expect-head'],
  [['archive', 'restore', '--all', '--pepper', 'nonsense'], 'usage', 'pepper source: '],
  [['serve', '--port', 'x'], 'usage', '--port'],
  [['serve', '--port', '0', '--tls-cert', PEM], 'usage', '--tls-cert and --tls-key'],
  [['serve', '--port', '0', '--tls-cert', PEM, '--tls-key', PEM], 'usage', '--tls-cert'],
  [['serve', '--port', '0', '--trusted-proxy', 'x'], 'usage', '--trusted-proxy'],
  [['serve', '--port', '0', '--jwks-url', HTTPS], 'usage', 'need each other'],
  [['serve', '--port', '0', '--spicedb-endpoint', 'x:1'], 'usage', 'no token for SpiceDB'],
  [['serve', '--port', '0', '--pepper', 'nonsense'], 'usage', 'pepper source: '],
  [['serve', '--port', '0'], 'usage', 'AUDIT_ALERT_WEBHOOK_URL', { env: { AUDIT_ALERT_WEBHOOK_URL: 'x' } }],
  [['demo', 'extra'], 'usage', 'extra'],
  [['demo', '--home', 'x'], 'usage', '--home'],
]

describe('a command that may create a home', () => {
  it.each(CASES.map((one) => [one[0].join(' ').replaceAll(`${inputs}/`, '').slice(0, 90), one] as const))(
    'refuses bad input before it creates anything: %s',
    async (_name, [args, code, message, { env = {}, input = '' } = {}]) => {
      const cwd = mkdtempSync(join(tmpdir(), 'audit-empty-'))
      const home = join(cwd, 'home')
      const got = await runCli([...args, '--json'], { env: { AUDIT_HOME: home, ...env }, cwd, input })
      const { error } = JSON.parse(got.stderr.trim().split('\n').at(-1) ?? '')
      expect([got.code, error.code, got.stdout]).toEqual([2, code, ''])
      expect(error.message).toContain(message)
      expect([existsSync(home), readdirSync(cwd)]).toEqual([false, []])
      rmSync(cwd, { recursive: true })
    },
  )

  it('appends what it has rehearsed, once and in order', async () => {
    const home = mkdtempSync(join(tmpdir(), 'audit-home-'))
    const env = { AUDIT_HOME: home }
    try {
      const input = [1, 2, 3].map((n) => line({ object: `order:${n}` })).join('')
      const appended = await runCli(['append', '--platform', '--stdin', '--json'], { env, input })
      expect([appended.code, appended.stdout.trim().split('\n')]).toMatchObject([0, { length: 3 }])
      const { stdout } = await runCli(['list', '--platform', '--relation', 'order.read', '--json'], { env })
      const { items } = JSON.parse(stdout)
      expect(items.map((item: { object: { id: string } }) => item.object.id).sort()).toEqual(['1', '2', '3'])
    } finally {
      await runCli(['db', 'stop'], { env })
      rmSync(home, { recursive: true, force: true })
    }
  })
})
