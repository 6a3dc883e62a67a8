import { describe, expect, it } from 'vitest'
import { mirrorUrlOf, parseMirrorUrl } from '../../src/mirror/mirror-url.js'
import { openMirror } from '../../src/mirror/open.js'

const s3 = (bucket: string, prefix = '') => ({ kind: 's3', bucket, prefix })
const directory = (path: string) => ({ kind: 'directory', path })

describe('a mirror URL', () => {
  it.each([
    ['s3://audit-mirror', s3('audit-mirror')],
    ['s3://audit-mirror/', s3('audit-mirror')],
    ['s3://audit.mirror_1/prod/eu-1', s3('audit.mirror_1', 'prod/eu-1')],
    ['s3://audit-mirror/prod/', s3('audit-mirror', 'prod')],
    ['file:///var/audit', directory('/var/audit')],
    ['file:///var/audit//', directory('/var/audit')],
    ['file:///var/with%20blank%3F', directory('/var/with blank?')],
    ['file:///', directory('/')],
  ])('parses %s', (text, place) => {
    expect(parseMirrorUrl(text)).toEqual(place)
  })

  it.each([
    ['', 's3://audit-mirror'],
    ['dt=2026', 's3://audit-mirror/dt=2026'],
    ['a+b/c,d', 's3://audit-mirror/a+b/c,d'],
    ['a b', undefined],
    ['a%2Fb', undefined],
    ['a//b', undefined],
    ['../a', undefined],
    ['ü', undefined],
  ])('of the prefix %j is one that parses, or none', (prefix, url) => {
    expect(mirrorUrlOf('audit-mirror', prefix)).toBe(url)
    if (url !== undefined) expect(parseMirrorUrl(url)).toEqual(s3('audit-mirror', prefix))
  })

  it.each([
    '',
    '/var/audit',
    'audit-mirror',
    'file:var',
    'file://host/var/audit',
    'file:///var?x',
    'file:///var#x',
    'file:///var%2Fx',
    'file:///var%00',
    'file:///%zz',
    's3:audit-mirror',
    's3://',
    's3:///prefix',
    's3://ab',
    's3://-audit',
    's3://KEYID:SECRET@audit-mirror',
    's3://audit-mirror:9000/x',
    's3://audit-mirror?SECRET',
    's3://audit-mirror/a//b',
    's3://audit-mirror//',
    's3://audit-mirror/../other',
    's3://audit-mirror/a/./b',
    's3://audit-mirror/a%2Fb',
    's3://audit-mirror/a b',
    's3://audit-mirror/a\n',
    'https://KEYID:SECRET@host/bucket',
    'S3://audit-mirror',
  ])('refuses %j, and does not quote it', async (text) => {
    const error = await openMirror(text, {}).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'usage' })
    expect(String(error)).not.toMatch(/SECRET|KEYID/)
  })

  it.each(['localhost:9000', 'ftp://host', 'http://KEYID:SECRET@host', 'no url', 'https://SECRET@host'])(
    'takes no endpoint %j, and says so without it',
    async (endpoint) => {
      const error = await openMirror('s3://audit-mirror', { AUDIT_S3_ENDPOINT: endpoint }).catch(
        (e: unknown) => e,
      )
      expect(error).toMatchObject({ code: 'usage' })
      expect(String(error)).not.toMatch(/SECRET|KEYID/)
    },
  )

  it('returns the URL as it was written', async () => {
    for (const url of ['s3://audit-mirror/prod', 'file:///var/audit', 's3://audit-mirror']) {
      const store = await openMirror(url, {})
      expect(store.url).toBe(url)
      store.close()
    }
  })
})
