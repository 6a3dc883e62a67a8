import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { toRow } from '../../../src/append/append-item.js'
import { chainCreateRow, genesisRow } from '../../../src/append/genesis.js'
import { fileCandidates } from '../../../src/append/input/candidates.js'
import { type InputEntry, parseInputLine } from '../../../src/append/input/input-line.js'
import { AuditError } from '../../../src/base/errors.js'
import { genesisPseudonym } from '../../../src/base/genesis-pepper.js'
import { nodePseudonym } from '../../../src/base/node-hasher.js'
import { packageFolder } from '../../../src/base/package-folder.js'
import type { ChainedEntry, Entry } from '../../../src/chain/entry.js'
import { chainObject } from '../../../src/chain/self-audit.js'
import { parseTimestamp } from '../../../src/chain/timestamp.js'
import { PLATFORM_ANCHOR } from '../../../src/chain/uuid.js'
import { derivePepper } from '../../../src/pepper/derive.js'
import type { NewRow } from '../../../src/ports/append.js'
import { chained } from '../chain-builder.js'

export const CLOUD = '01893f5e-7c00-7000-8000-00000000c10d'
export const PAYMENTS = '01893f5e-7c00-7000-8000-00000000ba9e'

/** The 32 bytes of the key file of the demo. They are published, and protect nobody. */
export const PEPPER_KEY = createHash('sha256').update('the published pepper of the demo').digest()

const ACTOR = 'operator:demo'
const PAYMENT_ROWS = 60
const SECOND = 1_000_000n
const FIRST_DAY = parseTimestamp('2023-07-10T09:00:00Z', 'time')

/** The CloudTrail files with the first hour of the attack, 803 events. */
const FILES = /_20230710T(1200Z|1205Z_(UljXNp9xLp8nsAGc|dOIWyEekdNWhkpqY|zs3JGxETHr59VpkX))/

/** A row that is not on its chain yet, and its time. */
interface Timed {
  readonly row: NewRow
  readonly at: bigint
}

/** Returns the three honest chains of the demo, the platform chain first. The same program gives the same rows. */
export async function honestChains(): Promise<ChainedEntry[][]> {
  return [platformChain(), await cloudChain(), paymentChain()]
}

function platformChain(): ChainedEntry[] {
  const pepper = pepperOf(PLATFORM_ANCHOR)
  const actor = nodePseudonym(pepper, ACTOR)
  const created = (domainId: string, name: string) =>
    chainCreateRow(PLATFORM_ANCHOR, actor, chainObject(domainId), [`name:${name}`])
  return linked([
    { row: genesisRow(PLATFORM_ANCHOR, genesisPseudonym(pepper)), at: FIRST_DAY },
    { row: created(CLOUD, 'cloud-account'), at: FIRST_DAY + SECOND },
    { row: created(PAYMENTS, 'payments'), at: FIRST_DAY + 2n * SECOND },
  ])
}

/** Returns the chain of real events. Each is recorded two seconds after it happened, and never before the row before it. */
async function cloudChain(): Promise<ChainedEntry[]> {
  const folder = join(packageFolder(), 'docs', 'demo', 'cloudtrail')
  const paths = readdirSync(folder)
    .filter((name) => FILES.test(name))
    .sort()
    .map((name) => join(folder, name))
  const rows: Timed[] = []
  for await (const candidates of fileCandidates(paths, 'cloudtrail'))
    for (const { entry } of candidates) {
      if (entry instanceof AuditError) throw entry
      rows.push({ row: toRow(entry, CLOUD, pepperOf(CLOUD)), at: eventTime(entry) + 2n * SECOND })
    }
  rows.sort((a, b) => Number(a.at - b.at))
  return linked([genesisOf(CLOUD, 'cloud-account'), ...rows])
}

function eventTime({ context }: InputEntry): bigint {
  return parseTimestamp(String(context?.metadata?.event_time), 'event_time')
}

function paymentChain(): ChainedEntry[] {
  const pepper = pepperOf(PAYMENTS)
  const rows = Array.from({ length: PAYMENT_ROWS }, (_, i) => ({
    row: toRow(paymentEntry(i), PAYMENTS, pepper),
    at: FIRST_DAY + BigInt(i + 1) * 600n * SECOND,
  }))
  return linked([genesisOf(PAYMENTS, 'payments'), ...rows])
}

/** Returns one of three clerks who create and approve payments. The third may not approve. */
function paymentEntry(i: number): InputEntry {
  const clerk = i % 3
  const approves = i % 4 === 3
  const line = {
    subject_id: `clerk-${clerk + 1}`,
    relation: approves ? 'payment.approve' : 'payment.create',
    object: `payment:2023-${String(1000 + Math.floor(i / 4))}`,
    reason: approves && clerk === 2 ? 'insufficient_relation' : 'granted',
    correlation_id: `req-${i + 1}`,
  }
  return parseInputLine(Buffer.from(JSON.stringify(line)))
}

function genesisOf(domainId: string, name: string): Timed {
  const row = genesisRow(domainId, genesisPseudonym(pepperOf(domainId)), [`name:${name}`])
  return { row, at: FIRST_DAY + SECOND }
}

function pepperOf(domainId: string): Uint8Array {
  return derivePepper(PEPPER_KEY, domainId)
}

function linked(rows: readonly Timed[]): ChainedEntry[] {
  return chained(rows.map(({ row, at }, i) => entryOf(row, i + 1, at)))
}

/** Returns the hashed fields alone: what is off the chain is in no mirror. */
function entryOf(row: NewRow, seq: number, recordedAt: bigint): Entry {
  const { domainId, subjectPseudonym, relation, object, reason, relationPath } = row
  const { caveatContext, correlationId, zedtoken } = row
  const who = { domainId, seq, subjectPseudonym, relation, object, reason }
  return { ...who, relationPath, caveatContext, correlationId, zedtoken, recordedAt }
}
