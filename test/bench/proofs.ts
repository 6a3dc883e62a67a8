import { nodeHasher } from '../../src/base/node-hasher.js'
import { LIMITS } from '../../src/chain/limits.js'
import { checkpointText } from '../../src/chain/note/checkpoint.js'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { Frontier } from '../../src/chain/tree/frontier.js'
import { TileBuilder } from '../../src/chain/tree/tiles.js'
import { PROOF_TOOLS } from '../../src/compose/read/proof.js'
import { makeProof } from '../../src/proof/make-proof.js'
import { readProof, verifyProof } from '../../src/proof/verify-proof.js'
import { getEntry } from '../../src/query/get.js'
import { postgresProofSource } from '../../src/repo/proof/proof-source.js'
import { postgresEntryReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { postgresSignerStore } from '../../src/repo/signer/signer-store.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
import { type Bench, median, report } from './subject.js'

/** Milliseconds that a proof may take, apart from the start of the process. */
const MOST = 50
const PROOFS = 41

/** Measures proofs of single rows, spread over a long chain, in a process that runs already. */
export async function benchProofs({ url }: Bench, domainId: string): Promise<void> {
  const database = new Database(url)
  try {
    const { size, policy } = await signHead(database, domainId)
    const milliseconds = { make: [] as number[], verify: [] as number[] }
    for (let at = 0; at < PROOFS; at += 1) {
      const seq = 1 + Math.floor((at * (size - 1)) / (PROOFS - 1))
      const begin = performance.now()
      const text = await proofOf(database, domainId, seq)
      const made = performance.now()
      const { code } = verifyProof(readProof(Buffer.from(text), policy, PROOF_TOOLS), undefined, PROOF_TOOLS)
      milliseconds.make.push(made - begin)
      milliseconds.verify.push(performance.now() - made)
      if (code !== 'proven') throw new Error(`row ${seq} is not proven: ${code}`)
    }
    line(`prove a row of ${size}`, milliseconds.make)
    line('verify the proof', milliseconds.verify)
  } finally {
    await database.close()
  }
}

async function proofOf(database: Database, domainId: string, seq: number): Promise<string> {
  const { entry, canonicalBytes } = await getEntry(postgresEntryReader(database), domainId, seq, nodeHasher)
  const { prevHash = '', entryHash = '' } = entry
  const deps = {
    ...PROOF_TOOLS,
    source: postgresProofSource(database),
    roots: [{ by: 'log', keys: [] }] as const,
  }
  const row = { domainId, seq, prevHash, entryHash, canonical: canonicalBytes }
  return (await makeProof(row, { bare: false }, deps)).text
}

function line(what: string, milliseconds: readonly number[]): void {
  const typical = median(milliseconds)
  const ours = `${typical.toFixed(1)} ms, at most ${Math.max(...milliseconds).toFixed(1)}`
  report(what, ours, `bound ${MOST} ms`, MOST / typical, 'at least 1')
}

/** Signs the last row of a chain, with all its tiles. Returns its size, and the policy with its key. */
async function signHead(database: Database, domainId: string) {
  const signer = new LogSigner('bench.example.com', new Uint8Array(32).fill(7))
  const chain = { domainId, incarnation: 1 }
  const builder = new TileBuilder(0)
  const tree = new Frontier(PROOF_TOOLS.treeHasher, 0, [], builder.onSubtree)
  let last = ''
  for await (const { entryHash = '' } of postgresProofSource(database).rows(domainId, 1, LIMITS.maxSeq)) {
    tree.append(Buffer.from(entryHash, 'hex'))
    last = entryHash
  }
  const { size } = tree
  const root = tree.root() ?? new Uint8Array()
  const { key, sign } = signer.keyOf(chain)
  const body = checkpointText({ origin: key.name, size, root })
  const signature = Buffer.concat([Buffer.from(key.id, 'hex'), sign(Buffer.from(body))])
  const note = `${body}\n— ${key.name} ${signature.toString('base64')}\n`
  const store = postgresSignerStore(database)
  await store.append([{ row: signer.keyRow([chain, PLATFORM]), heads: [] }])
  await store.index([{ ...chain, size, root: Buffer.from(root).toString('hex'), entryHash: last, note }])
  await store.putTiles(builder.take().map(({ level, index, hashes }) => ({ ...chain, level, index, hashes })))
  return { size, policy: Buffer.from(`log ${vkeyText(key)}\nquorum none\n`) }
}
