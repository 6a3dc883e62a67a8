import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { webhookSettings } from '../../src/alerts/settings.js'
import { signatureHeader } from '../../src/alerts/signature.js'
import { ROOT } from '../support/cli.js'

const URL_ = 'https://alerts.example.org/hook'
const SECRET = 'sixteen bytes at least'
const file = join(mkdtempSync(join(tmpdir(), 'alert-')), 'secret')
writeFileSync(file, `${SECRET}\n`)

const env = (url: string | undefined, secret?: string, path?: string) => ({
  AUDIT_ALERT_WEBHOOK_URL: url,
  AUDIT_ALERT_WEBHOOK_SECRET: secret,
  AUDIT_ALERT_WEBHOOK_SECRET_FILE: path,
})

describe('webhookSettings', () => {
  it('returns undefined without a URL', () => {
    expect(webhookSettings({ AUDIT_ALERT_WEBHOOK_SECRET: SECRET })).toBeUndefined()
  })

  it.each([
    ['a secret', env(URL_, SECRET)],
    ['a secret in a file', env(URL_, undefined, file)],
  ])('accepts %s', (_, given) => {
    const settings = webhookSettings(given)
    expect([settings?.url.href, settings?.secret]).toEqual([URL_, SECRET])
  })

  it.each([
    ['an empty URL', env('', SECRET), 'usage'],
    ['a text that is not a URL', env('alerts', SECRET), 'usage'],
    ['another scheme', env('ftp://alerts.example.org', SECRET), 'usage'],
    ['a URL with a password', env('https://u:hunter2@alerts.example.org', SECRET), 'usage'],
    ['no secret', env(URL_), 'usage'],
    ['an empty secret', env(URL_, ''), 'usage'],
    ['a secret that is too short', env(URL_, 'fifteen bytes..'), 'usage'],
    ['two secrets', env(URL_, SECRET, file), 'usage'],
    ['a secret file that does not exist', env(URL_, undefined, `${file}.gone`), 'file_unreadable'],
  ])('refuses %s, and shows no part of the settings', (_, given, code) => {
    const thrown = (() => {
      try {
        return webhookSettings(given)
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toMatchObject({ code })
    expect(String(thrown)).not.toMatch(/hunter2|fifteen|sixteen|example/)
  })
})

it('signatureHeader signs the time, a full stop and the body', () => {
  const mac = createHmac('sha256', SECRET).update('1700000000.{"a":1}').digest('hex')
  expect(signatureHeader(SECRET, '{"a":1}', 1_700_000_000)).toBe(`t=1700000000,v1=${mac}`)
})

it('docs/alerts.md has code that verifies the signature', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs/alerts.md'), 'utf8')) ?? []
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
  const header = signatureHeader(SECRET, '{"a":1}', 1_700_000_000)
  const cases: readonly (readonly unknown[])[] = [
    [header, '{"a":1}', SECRET, 1_700_000_010],
    [header, '{"a":2}', SECRET, 1_700_000_010],
    [header, '{"a":1}', `${SECRET}.`, 1_700_000_010],
    [header, '{"a":1}', SECRET, 1_700_000_400],
    [header.replace('t=17', 't=18'), '{"a":1}', SECRET, 1_800_000_000],
    ['', '{"a":1}', SECRET, 1_700_000_010],
  ]
  expect(cases.map((one) => isGenuine(...one))).toEqual([true, false, false, false, false, false])
})
