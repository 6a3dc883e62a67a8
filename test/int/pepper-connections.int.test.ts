import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toAppendItems } from '../../src/append/append-item.js'
import { OpenBaoPepper } from '../../src/pepper/openbao.js'
import { MAX_CONNECTIONS } from '../../src/pepper/openbao-http.js'
import { parsePepperUrl } from '../../src/pepper/pepper-url.js'
import { entryFor } from '../support/append-chains.js'
import { Kv2Server } from '../support/kv2-server.js'

let server: Kv2Server
let pepper: OpenBaoPepper

beforeEach(async () => {
  server = await Kv2Server.start()
  const place = parsePepperUrl(server.url())
  if (place.kind !== 'openbao') throw new Error('expected openbao')
  pepper = new OpenBaoPepper(place, { login: { token: server.rootToken } })
})
afterEach(() => server.close())

/** Returns new chains that have a pepper in the vault. Puts the peppers there without a connection. */
function chains(count: number): string[] {
  return Array.from({ length: count }, () => {
    const domainId = randomUUID()
    const data = { pepper: randomBytes(32).toString('base64') }
    server.store.answer('POST', 'data', `audit/${domainId}`, { data })
    return domainId
  })
}

describe('the connections to the vault', () => {
  it('have a limit for a group on 100 chains, and no entry is refused', async () => {
    const entries = chains(100).map((domainId) => entryFor(domainId))
    const items = await toAppendItems(entries, { pepper, resolver: { resolve: async () => [] } })
    expect(items.filter((item) => item instanceof Error)).toEqual([])
    expect(server.requests('/data/')).toBe(100)
    expect(server.peakConnections).toBe(MAX_CONNECTIONS)
  })

  it('have a limit for all callers together', async () => {
    await Promise.all(chains(60).map((domainId) => pepper.pepperOf(domainId)))
    expect(server.peakConnections).toBe(MAX_CONNECTIONS)
  })

  it('are free again after requests that fail', async () => {
    const domainIds = chains(30)
    server.fault = () => 400
    const refused = await Promise.allSettled(domainIds.map((domainId) => pepper.pepperOf(domainId)))
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set(['rejected']))
    server.fault = () => undefined
    await Promise.all(domainIds.map((domainId) => pepper.pepperOf(domainId)))
  })
})
