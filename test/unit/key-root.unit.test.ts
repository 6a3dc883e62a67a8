import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { Context, type Settings } from '../../src/compose/context.js'
import { keyRootOf } from '../../src/compose/sign/key-root.js'
import { TLOG } from '../support/tlog-vectors.js'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'audit-'))
})

const rootWith = (settings: Settings) =>
  keyRootOf(new Context({ home, ...settings }, new AbortController().signal))
const PLATFORM = TLOG.keys.chains.find(({ origin }) => origin.includes('706c6174'))
const vkeyFile = () => writeFile(join(home, 'log.vkey'), `${PLATFORM?.vkey}\n`)

async function policyFile(text = TLOG.policies.one_witness): Promise<string> {
  await writeFile(join(home, 'audit.policy'), text)
  return join(home, 'audit.policy')
}

it('takes the keys from the policy before the home', async () => {
  await vkeyFile()
  const root = await rootWith({ policy: await policyFile() })
  expect([root.by, root.keys.map(({ id }) => id)]).toEqual(['policy', ['5b701a0f']])
})

it('takes the key from the home before the log, also for another database', async () => {
  await vkeyFile()
  for (const databaseUrl of [undefined, 'postgres://127.0.0.1/other']) {
    const root = await rootWith({ databaseUrl })
    expect([root.by, root.keys.map(({ id }) => id)]).toEqual(['home', [PLATFORM?.key_id]])
  }
})

it('takes the key from the log where there is nothing else', async () => {
  expect(await rootWith({})).toEqual({ by: 'log', keys: [] })
  expect(await rootWith({ home: join(home, 'absent') })).toEqual({ by: 'log', keys: [] })
})

it('reads no home beside a policy, and reads the policy once', async () => {
  await writeFile(join(home, 'log.vkey'), 'damaged')
  const path = await policyFile()
  const context = new Context({ home, policy: path }, new AbortController().signal)
  await keyRootOf(context)
  await writeFile(path, '')
  expect((await keyRootOf(context)).by).toBe('policy')
})

it.each<readonly [string, () => Promise<Settings>, string]>([
  ['a damaged log.vkey', async () => ({ home: await damagedHome() }), 'log_key_unavailable'],
  ['a policy that is absent', async () => ({ policy: join(home, 'absent') }), 'file_unreadable'],
  ['a policy that is a folder', async () => ({ policy: home }), 'file_unreadable'],
  ['an empty policy', async () => ({ policy: await policyFile('') }), 'policy_invalid'],
  ['a policy that is too large', async () => ({ policy: '/dev/zero' }), 'policy_invalid'],
  [
    'a policy that nobody compared',
    async () => ({ policy: await policyFile(`${TLOG.policies.warning}\n${TLOG.policies.one_witness}`) }),
    'policy_invalid',
  ],
])('refuses %s, and does not fall back', async (_name, settings, code) => {
  await expect(rootWith(await settings())).rejects.toMatchObject({ code })
})

async function damagedHome(): Promise<string> {
  const folder = join(home, 'damaged')
  await mkdir(folder)
  await writeFile(join(folder, 'log.vkey'), 'damaged')
  return folder
}
