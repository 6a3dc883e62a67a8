import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ChainedEntry } from '../../../src/chain/entry.js'
import { formatTimestamp } from '../../../src/chain/timestamp.js'
import { mirrorCodec } from '../../../src/mirror/object/codec.js'
import { encodeMarker, MARKER_KEY } from '../../../src/mirror/object/marker.js'
import { CLOUD, honestChains, PAYMENTS, PEPPER_KEY } from './chains.js'

const MARKER_ID = '5d0c9b52-5f0e-4c29-9b0a-0d3e6f2b8a11'

/** The rows that somebody tampered with, by their seq on their chains. */
export const TAMPERED = {
  /** The denied attempt to leave the organization, on the chain cloud-account, that was turned into a grant. */
  forged: 758,
  /** A row of the chain cloud-account whose object was removed. */
  removed: 753,
  /** The last row of the chain payments that is left: those after it were removed. */
  paymentsEnd: 49,
} as const

/**
 * Writes a case as an investigator gets it: a copy of a bucket (`bucket/`), in which somebody edited one row, removed one,
 * and cut the end of a chain; the heads that a verify of an earlier day printed (`heads.ndjson`); and a key file with the
 * peppers (`pepper.key`).
 */
export async function writeCase(folder: string): Promise<void> {
  const chains = await honestChains()
  const put = (name: string, bytes: Uint8Array | string, mode = 0o644) => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes, { mode })
  }
  put('pepper.key', PEPPER_KEY, 0o600)
  put('heads.ndjson', chains.map(savedResult).join(''))
  put(`bucket/${MARKER_KEY}`, encodeMarker(MARKER_ID))
  for (const row of tampered(chains.flat())) {
    put(`bucket/${mirrorCodec.key(row.domainId, row.seq)}`, await mirrorCodec.encode(row))
  }
}

function tampered(rows: readonly ChainedEntry[]): ChainedEntry[] {
  const isLeft = ({ domainId, seq }: ChainedEntry) =>
    domainId === CLOUD ? seq !== TAMPERED.removed : domainId !== PAYMENTS || seq <= TAMPERED.paymentsEnd
  return rows.filter(isLeft).map(forged)
}

/** Somebody without the database cannot hash the row anew: every later row is linked to the old hash. */
function forged(row: ChainedEntry): ChainedEntry {
  if (row.domainId !== CLOUD || row.seq !== TAMPERED.forged) return row
  if (row.reason === 'granted') throw new Error(`row ${row.seq} is no denial`)
  return { ...row, reason: 'granted' }
}

/** Returns the line that `verify --all --json` printed while the chain was honest, with what a pin needs. */
function savedResult(rows: readonly ChainedEntry[]): string {
  const last = rows.at(-1)
  if (last === undefined) throw new Error('a chain has no rows')
  const { domainId, seq, entryHash: hash, recordedAt } = last
  const head = { seq, hash }
  const segment = { segment_from: 1, segment_to: seq, rows: seq }
  const result = { ok: true, domain_id: domainId, source: 'postgres', ...segment, head, findings: [] }
  return `${JSON.stringify({ ...result, last_recorded_at: formatTimestamp(recordedAt) })}\n`
}
