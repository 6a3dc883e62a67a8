import { describe, expect, it } from 'vitest'
import { type BaoSettings, baoSettings } from '../../src/pepper/openbao-settings.js'
import { parsePepperUrl } from '../../src/pepper/pepper-url.js'

function caught(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

const kv = (origin: string, mount: string, prefix: string) => ({ kind: 'openbao', origin, mount, prefix })

describe('parsePepperUrl', () => {
  it.each([
    ['file:///etc/audit/pepper.key', { kind: 'file', path: '/etc/audit/pepper.key' }],
    ['FILE:///a%20b/%C3%BC', { kind: 'file', path: '/a b/ü' }],
    ['file:///a%3Fb', { kind: 'file', path: '/a?b' }],
    ['env:AUDIT_PEPPER_KEY', { kind: 'env', name: 'AUDIT_PEPPER_KEY' }],
    ['env:_K1', { kind: 'env', name: '_K1' }],
    ['openbao://vault/secret/audit', kv('https://vault:8200', 'secret', 'audit')],
    ['openbao://Bao.Example:443/kv/a/b.c/d_e', kv('https://bao.example:443', 'kv', 'a/b.c/d_e')],
    ['OPENBAO+HTTP://127.0.0.1:8200/kv/a', kv('http://127.0.0.1:8200', 'kv', 'a')],
    ['openbao://[::1]:8200/team%2Fkv%2fx/a', kv('https://[::1]:8200', 'team/kv/x', 'a')],
  ])('accepts %s', (url, place) => {
    expect(parsePepperUrl(url)).toEqual(place)
  })

  it.each([
    '',
    '/etc/hunter2.key',
    'hunter2.key',
    'file:hunter2.key',
    'file:/etc/hunter2.key',
    'file://host/hunter2.key',
    'file:///',
    'file:///dir/',
    'file:///a%2Fb',
    'file:///a%00b',
    'file:///a%zz',
    'file:///a?b',
    'file:///a#b',
    'env:',
    'env:hunter2',
    'env://HUNTER2',
    `env:${'A0'.repeat(32)}`,
    'env:AHVudGVyMg==',
    'vault://vault:8200/secret/audit',
    'openbao://vault:8200/secret',
    'openbao://vault:8200/secret/',
    'openbao://vault:8200/secret/audit/',
    'openbao://vault:8200//audit',
    'openbao://vault:8200/secret/../audit',
    'openbao://vault:8200/secret/.audit',
    'openbao://vault:8200/secret/a%2Fb',
    'openbao://vault:8200/secret/a?token=hunter2',
    'openbao://vault:8200/secret/a#hunter2',
    'openbao://vault:0/secret/audit',
    'openbao://vault:65536/secret/audit',
    'openbao://vault:123456/secret/audit',
    'openbao:///secret/audit',
    'openbao:secret/audit',
    'openbao://s.hunter2@vault/secret/audit',
    'openbao://user:hunter2@vault/secret/audit',
    'openbao+https://vault/secret/audit',
    'https://user:hunter2@example.com/key',
    'hunter2hunter2',
  ])('refuses "%s" and does not repeat it', (url) => {
    const error = caught(() => parsePepperUrl(url))
    expect(error).toMatchObject({ name: 'AuditError', code: 'usage' })
    expect(String(error)).not.toMatch(/hunter2|vault:8200|A0A0|AHV/i)
  })
})

describe('baoSettings', () => {
  const role = { BAO_ROLE_ID: 'r', VAULT_SECRET_ID: 's' }
  const SETTINGS: [string, Record<string, string>, BaoSettings][] = [
    ['a token', { BAO_TOKEN: 't' }, { login: { token: 't' }, namespace: undefined, caFile: undefined }],
    [
      'the VAULT_ names',
      { VAULT_TOKEN: 't\n', VAULT_NAMESPACE: 'n/', VAULT_CACERT: '/c a' },
      { login: { token: 't' }, namespace: 'n/', caFile: '/c a' },
    ],
    [
      'BAO_ before VAULT_, skipping empty variables',
      { BAO_TOKEN: 'b', VAULT_TOKEN: 'v', BAO_NAMESPACE: '', VAULT_NAMESPACE: 'n' },
      { login: { token: 'b' }, namespace: 'n', caFile: undefined },
    ],
    ['an AppRole', role, { login: { roleId: 'r', secretId: 's' }, namespace: undefined, caFile: undefined }],
    [
      'a token before an AppRole',
      { ...role, BAO_TOKEN: 't' },
      { login: { token: 't' }, namespace: undefined, caFile: undefined },
    ],
  ]
  it.each(SETTINGS)('reads %s', (_what, env, settings) => {
    expect(baoSettings(env)).toEqual(settings)
  })

  it.each([
    ['nothing', {}],
    ['half an AppRole', { BAO_ROLE_ID: 'hunter2' }],
    ['a token of two lines', { BAO_TOKEN: 'hunter2\nhunter2' }],
    ['a token beyond ASCII', { BAO_TOKEN: 'hünter2' }],
    ['a namespace with a blank', { BAO_TOKEN: 't', BAO_NAMESPACE: 'hunter 2' }],
  ])('refuses %s, and shows no value', (_what, env) => {
    const error = caught(() => baoSettings(env))
    expect(error).toMatchObject({ name: 'AuditError', code: 'pepper_not_configured' })
    expect(JSON.stringify([String(error), error])).not.toMatch(/h[uü]nter/)
  })
})
