import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { nodeTreeHasher } from '../../src/base/crypto/node-tree-hasher.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { postgresStatements } from '../../src/repo/heads/statement-store.js'
import { Database } from '../../src/repo/session/database.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { HeadReader } from '../../src/verify/signed/head-reader.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { PLATFORM } from '../support/log-signer.js'
import { SignedLog } from '../support/signed-log.js'
import { type Bench, median, report } from './subject.js'

const PAIRS = 10
const HEADS = 1_000
const NEVER = new AbortController().signal

/**
 * Measures what signed heads cost a verify: the same chain with its 1,000 newest heads and without any, alternately in one process,
 * on one thread.
 */
export async function benchSignedHeads({ url }: Bench, domainId: string): Promise<void> {
  const log = await SignedLog.open({ url })
  const database = new Database(url)
  try {
    await sign(log, domainId)
    const source = new PostgresSource(database)
    const verify = async (isSigned: boolean) => {
      const begun = performance.now()
      const signed = isSigned ? await heads(database, log, domainId) : undefined
      const request = { domainId, fromSeq: 1, pins: [], signed }
      const { ok, rows, signatures } = await verifyChain(source, request, () => undefined, NEVER)
      const through = signatures?.through?.throughSeq
      if (!ok || (isSigned && through !== rows)) throw new Error('the chain is not intact and signed')
      return performance.now() - begun
    }
    await verify(false)
    const pairs: { plain: number; signed: number }[] = []
    for (let pair = 0; pair < PAIRS; pair += 1)
      pairs.push({ plain: await verify(false), signed: await verify(true) })
    print(pairs)
  } finally {
    await log.close()
    await database.close()
  }
}

async function heads(database: Database, log: SignedLog, domainId: string) {
  const root = { by: 'home', keys: [log.signer.platform.key] } as const
  const tools = { hasher: nodeHasher, treeHasher: nodeTreeHasher, verify: verifyEd25519 }
  const reader = await HeadReader.open({ root, tools, statements: postgresStatements(database) }, domainId)
  return reader.of(domainId, NEVER)
}

/** Appends rows with heads of sizes up to the last row. Their roots are none: a verify compares the entry_hash. */
async function sign(log: SignedLog, domainId: string): Promise<void> {
  const chain = { domainId, incarnation: 1 }
  await log.append(log.signer.keyRow([chain, PLATFORM]))
  const hashes = await log.entryHashes(domainId)
  for (let at = 1; at <= HEADS; at += 1) {
    const size = Math.ceil((hashes.length * at) / HEADS)
    const head = { ...chain, size, root: 'a'.repeat(64), entryHash: hashes[size - 1] ?? '' }
    await log.append(log.signer.headRow([head]))
  }
}

function print(pairs: readonly { plain: number; signed: number }[]): void {
  const differences = pairs.map(({ plain, signed }) => signed - plain).sort((one, other) => one - other)
  const base = median(pairs.map(({ plain }) => plain))
  const quarter = Math.floor(differences.length / 4)
  const range = (differences.at(-1 - quarter) ?? 0) - (differences[quarter] ?? 0)
  const more = median(differences)
  report(
    `verify with ${HEADS} signed heads`,
    `${more.toFixed(1)} ms more`,
    `without ${base.toFixed(0)} ms, middle half of the differences ${range.toFixed(1)} ms`,
    more / (base * 0.03 + range),
    'at most 1',
  )
}
