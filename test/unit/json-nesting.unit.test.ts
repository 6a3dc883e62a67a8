import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { parseInputLine } from '../../src/append/input/input-line.js'
import { remoteKeys } from '../../src/authz/jwks.js'
import { readManifest } from '../../src/bundle/manifest.js'
import { parsePins } from '../../src/cli/verify/parse-pins.js'
import { readObject } from '../../src/mirror/object/object-json.js'

const DOMAIN = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const lists = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

const codeOf = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return (error as { code?: string }).code
  }
}

/** The readers of JSON from elsewhere, and what each must say about a value that is nested too deeply. */
const READERS: readonly [reader: string, read: (nested: string) => unknown, says: unknown][] = [
  [
    'a manifest',
    (nested) => codeOf(() => readManifest(Buffer.from(`{\n  "zz": ${nested}\n}\n`))),
    'bundle_malformed',
  ],
  [
    'a pins file',
    (nested) =>
      codeOf(() =>
        parsePins(
          `{"ok":true,"domain_id":"${DOMAIN}","head":{"seq":1,"hash":"${'a'.repeat(64)}"},"x":${nested}}`,
        ).heads.get(DOMAIN),
      ),
    [{ seq: 1, hash: 'a'.repeat(64) }],
  ],
  ['a summary of a pins file', (nested) => codeOf(() => parsePins(`{"summary":${nested}}`)), 'invalid_input'],
  [
    'an input line',
    (nested) =>
      codeOf(() => parseInputLine(Buffer.from(`{"subject_id":"a","context":{"metadata":${nested}}}`))),
    'invalid_input',
  ],
  [
    'an object of the mirror',
    (nested) => readObject(`{"format":"PXA1","x":${nested}}\n`, { domainId: DOMAIN, seq: 1 }),
    { problem: expect.any(String), fields: {} },
  ],
]

describe.each(READERS)('%s', (_, read, says) => {
  it.each([
    ['6,000 lists', lists(6_000)],
    ['6,000 objects', objects(6_000)],
    ['1,000,000 lists', lists(1_000_000)],
  ])('ends in its own way with %s in each other', (_title, nested) => {
    expect(read(nested)).toEqual(says)
  })
})

it('says that a key set with 100,000 levels cannot be fetched', async () => {
  const server = createServer((_, response) => response.end(`{"keys":[{"x":${lists(100_000)}}]}`))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const keys = remoteKeys(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const token = { payload: '', signature: '', protected: '' }
  await expect(keys({ alg: 'ES256', kid: 'one' }, token)).rejects.toMatchObject({
    code: 'authenticator_unavailable',
  })
  server.closeAllConnections()
  server.close()
})
