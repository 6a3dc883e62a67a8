import { expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { nodeTreeHasher } from '../../src/base/crypto/node-tree-hasher.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { keyStatementText } from '../../src/chain/log/key-statement.js'
import type { ChainRef } from '../../src/chain/log/row-items.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { HeadReader } from '../../src/verify/signed/head-reader.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'

const signer = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(7))
const NEVER = new AbortController().signal
const uuid = (i: number) => `11111111-2222-4333-8444-${String(i).padStart(12, '0')}`

/** A mirror that has the key statement of one chain, and nothing else. */
function mirrorOf(domainId: string): MirrorStore {
  const item = signer.keyItem({ domainId, incarnation: 1 })
  const row = signer.row('audit.log-key', [`log:${signer.logName}`, item])
  const text = keyStatementText({ ...row, origin: signer.originOf(PLATFORM) })
  const store: Partial<MirrorStore> = {
    async *list(prefix) {
      if (prefix.endsWith('/keys/')) yield { key: `${prefix}x.json`, size: text.length }
    },
    get: async () => ({ bytes: new TextEncoder().encode(text) }) as never,
  }
  return store as MirrorStore
}

/** Returns how many signatures a run over N Domains checks, whose keys N signed rows name. */
async function checksOf(n: number): Promise<number> {
  const chains: ChainRef[] = Array.from({ length: n }, (_, i) => ({ domainId: uuid(i), incarnation: 1 }))
  const head = (chain: ChainRef) => ({ ...chain, size: 3, root: 'a'.repeat(64), entryHash: 'b'.repeat(64) })
  const rows = [PLATFORM, ...chains].map((chain) => signer.keyRow([chain]))
  for (let i = 0; i < n; i += 63) rows.push(signer.headRow(chains.slice(i, i + 63).map(head)))
  let checks = 0
  const verify = (...args: Parameters<typeof verifyEd25519>) => {
    checks += 1
    return verifyEd25519(...args)
  }
  const tools = { hasher: nodeHasher, treeHasher: nodeTreeHasher, verify }
  const root = { by: 'policy', keys: [signer.platform.key] } as const
  const reader = await HeadReader.open({ root, tools, mirrorOf: async (id) => mirrorOf(id) }, 'all')
  reader.add(rows.map((row, i) => ({ ...row, seq: i + 2 })))
  for (const { domainId } of [PLATFORM, ...chains]) {
    const { heads, foreignRows } = await reader.of(domainId, NEVER)
    expect(heads.map((one) => one.signer()?.keyId)).toEqual(heads.map(() => signer.platform.key.id))
    expect(heads).toHaveLength(domainId === PLATFORM.domainId ? 0 : 1)
    expect(foreignRows()).toEqual(new Map())
  }
  return checks
}

it.each([20, 80])('a reader of %d Domains checks each signature once', async (n) => {
  // Key rows and statements of n + 1 chains, and the rows with heads.
  expect(await checksOf(n)).toBeLessThanOrEqual(2 * (n + 1) + Math.ceil(n / 63))
})
