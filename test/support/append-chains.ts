import { createHash, randomUUID } from 'node:crypto'
import { createDomain } from '../../src/append/create-domain.js'
import { type InputEntry, parseInputLine } from '../../src/append/input/input-line.js'
import { Sink } from '../../src/append/sink.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { sinkOptions } from '../../src/compose/sink-options.js'
import type { Placed } from '../../src/ports/append.js'
import type { Pepper } from '../../src/ports/pepper.js'
import type { EntrySource } from '../../src/ports/verify.js'
import { PostgresEntryStore } from '../../src/repo/append/append.js'
import { Database, type DatabaseOptions } from '../../src/repo/session/database.js'
import { chainState } from '../../src/repo/verify/chain-state.js'
import { knownChains } from '../../src/repo/verify/known-chains.js'
import { PostgresSource } from '../../src/repo/verify/postgres-source.js'
import { chainsToVerify } from '../../src/verify/verify-all.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { rowsOf } from './postgres.js'

export const ACTOR = 'operator:test'

/** A different pepper for each chain, as a key file gives them. */
export function testPepper(secret = 'secret'): Pepper {
  return { pepperOf: async (domainId) => createHash('sha256').update(`${secret}/${domainId}`).digest() }
}

/** One writer with its own pool and a sink on it. */
export class Writer {
  readonly database: Database
  readonly store: PostgresEntryStore
  readonly sink: Sink

  constructor(
    url: string,
    readonly pepper = testPepper(),
    options: DatabaseOptions = {},
  ) {
    this.database = new Database(url, undefined, options)
    this.store = new PostgresEntryStore(this.database)
    this.sink = new Sink(sinkOptions(this.database, pepper))
  }

  /** Creates a Domain and returns its id. */
  async create(domainId: string = randomUUID()): Promise<string> {
    await createDomain({ domainId, name: '', actor: ACTOR }, this.store, this.pepper)
    return domainId
  }

  record(domainIds: string | readonly string[], patch: Record<string, unknown> = {}) {
    return this.sink.record(entryFor(domainIds, patch))
  }

  close(): Promise<void> {
    return this.database.close()
  }
}

/** Returns a plain entry for the chains, which may include the platform chain. `patch` has the keys of an input line. */
export function entryFor(
  chains: string | readonly string[],
  patch: Record<string, unknown> = {},
): InputEntry {
  const place = chains === PLATFORM_ANCHOR ? { platform: true } : { domain_ids: [chains].flat() }
  const line = { subject_id: 'alice', relation: 'project.read', object: 'project:p1', ...place, ...patch }
  return parseInputLine(Buffer.from(JSON.stringify(line)))
}

/** Returns the seq of each outcome on its first chain, or the code of its refusal. */
export function outcomes(appended: readonly (readonly Placed[] | { code: string })[]): (number | string)[] {
  return appended.map((one) => ('code' in one ? one.code : (one[0]?.seq ?? 'none')))
}

/** Returns seq, hashes and time of every row of a chain, in order. */
export async function storedRows(url: string, domainId: string) {
  return rowsOf(
    url,
    `SELECT seq::int, encode(entry_hash, 'hex') AS entry_hash, relation, xmin::text AS transaction,
       encode(subject_pseudonym, 'hex') AS subject, object, (extract(epoch FROM recorded_at) * 1000000)::bigint::text AS micros
     FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq`,
    [domainId],
  )
}

/** Returns the number of rows by the chain's head, which must agree with the rows; 0 where there is no chain. */
export async function chainLength(writer: Writer, domainId: string): Promise<number> {
  const { head, last } = await writer.database.read((client) => chainState(client, domainId))
  if (head?.seq !== last?.seq) throw new Error(`the head says ${head?.seq}, the last row is ${last?.seq}`)
  return last?.seq ?? 0
}

/** Returns the findings of all chains, each verified from its genesis. */
export async function allFindings(
  writer: Writer,
): Promise<{ readonly domainId: string; readonly code: string }[]> {
  const source: EntrySource = new PostgresSource(writer.database)
  const known = await writer.database.read(knownChains)
  const findings: { readonly domainId: string; readonly code: string }[] = []
  for (const domainId of chainsToVerify(known, new Map())) {
    const request = { domainId, fromSeq: 1, pins: [] }
    const verdict = await verifyChain(source, request, () => undefined, new AbortController().signal)
    findings.push(...verdict.findings.map((finding) => ({ domainId, ...finding })))
  }
  return findings
}
