import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { crc32, deflateRawSync, type ZlibOptions } from 'node:zlib'
import type { ChainedEntry } from '../../../src/chain/entry.js'
import { reasonOrdinal } from '../../../src/chain/reason.js'
import { canonicalOf } from '../attacks/chains.js'
import { ROOT } from '../cli.js'

/** Writes bundles by docs/evidence.md. Shares no code with the export, and writes any content. */
export interface Member {
  readonly name: string
  readonly content: Buffer
  /** Bytes of the header to overwrite, by offset. The checksum is made to fit. */
  readonly patch?: ReadonlyMap<number, string> | undefined
}

export interface Manifest extends Record<string, unknown> {
  selection: Record<string, unknown>
  segments: Record<string, unknown>[]
}

/** A bundle in parts. */
export interface Parts {
  manifest: Manifest
  /** The lines of each segment. */
  segments: string[][]
  /** Everything after the manifest. */
  members: Member[]
}

export const FOLDER = 'audit-bundle/'
export const FILES = ['README.txt', 'verify-bundle.mjs', 'verify_bundle.py']

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

export function lineOf(row: ChainedEntry, canonical = canonicalBytes(row)): string {
  const base64 = canonical.toString('base64')
  return `{"seq":${row.seq},"prev_hash":"${row.prevHash}","entry_hash":"${row.entryHash}","canonical_bytes":"${base64}"}`
}

export function canonicalBytes(row: ChainedEntry): Buffer {
  return canonicalOf({ ...row, reason: reasonOrdinal(row.reason) })
}

export function gzip(
  content: Uint8Array,
  options: ZlibOptions = { level: 1, windowBits: 14, memLevel: 9 },
): Buffer {
  const end = Buffer.alloc(8)
  end.writeUInt32LE(crc32(content), 0)
  end.writeUInt32LE(content.length, 4)
  return Buffer.concat([Buffer.from('1f8b08000000000000ff', 'hex'), deflateRawSync(content, options), end])
}

export const segmentContent = (lines: readonly string[]) =>
  Buffer.from(lines.map((line) => `${line}\n`).join(''))

export function segmentMember(number: number, content: Buffer): Member {
  return { name: `${FOLDER}rows/${String(number).padStart(8, '0')}.ndjson.gz`, content }
}

function fileMember(name: string): Member {
  return {
    name: `${FOLDER}${name}`,
    content: readFileSync(join(ROOT, 'docs', 'verifiers', basename(name))),
  }
}

/** Returns the seq of a line. For a line that is not a row, returns the seq after the line before. */
function seqOf(line: string, before: number): number {
  const digits = /^\{"seq":(-?\d+),/.exec(line)?.[1]
  const isSeq = digits !== undefined && String(Number(digits)) === digits && Number(digits) <= 2 ** 53
  return isSeq ? Number(digits) : before + 1
}

/** Returns the entries of these segments in a manifest. */
export function counted(segments: readonly (readonly string[])[]): Record<string, unknown>[] {
  let seq = 0
  return segments.map((lines, i) => {
    const seqs = lines.map((line) => {
      seq = seqOf(line, seq)
      return seq
    })
    const content = segmentContent(lines)
    return {
      name: segmentMember(i + 1, content).name,
      rows: lines.length,
      first_seq: seqs[0] ?? seq + 1,
      last_seq: seq,
      bytes: content.length,
      sha256: sha256(content),
    }
  })
}

export interface Wanted {
  readonly rows: readonly ChainedEntry[]
  /** Rows in one segment. */
  readonly perSegment?: number
  readonly selection?: Record<string, unknown>
  readonly predecessor?: ChainedEntry | undefined
  readonly head?: ChainedEntry | undefined
}

export function partsOf({ rows, perSegment = 3, selection, predecessor, head = rows.at(-1) }: Wanted): Parts {
  const segments: string[][] = []
  for (let at = 0; at < rows.length; at += perSegment) {
    segments.push(rows.slice(at, at + perSegment).map((row) => lineOf(row)))
  }
  const [first, last] = [rows[0], rows.at(-1)]
  const parts: Parts = {
    manifest: {
      format: 'audit-bundle/1',
      tool: 'audit-chain/0.1.0',
      domain_id: first?.domainId,
      selection: selection ?? {
        kind: 'chain',
        from_seq: 1,
        to_seq: last?.seq,
        to_end: true,
        filter: {},
      },
      ...(predecessor !== undefined && {
        predecessor: { seq: predecessor.seq, hash: predecessor.entryHash },
      }),
      head: { seq: head?.seq, hash: head?.entryHash },
      rows: 0,
      first_seq: 0,
      last_seq: 0,
      findings: { total: 0, first: [] },
      segments: [],
    },
    segments,
    members: [],
  }
  return summed(parts)
}

/** Returns the parts with a manifest and members that fit the segments. */
export function summed(parts: Parts): Parts {
  const { segments } = parts
  const sums = counted(segments)
  Object.assign(parts.manifest, {
    rows: segments.flat().length,
    first_seq: sums[0]?.first_seq ?? 0,
    last_seq: sums.at(-1)?.last_seq ?? 0,
    segments: sums,
  })
  const rows = segments.map((lines, i) => segmentMember(i + 1, gzip(segmentContent(lines))))
  parts.members = [...FILES.map(fileMember), ...rows]
  return parts
}

export const manifestText = (manifest: unknown) => `${JSON.stringify(manifest, null, 2)}\n`

export function built(
  parts: Parts,
  manifest = manifestText(parts.manifest),
  end = Buffer.alloc(1024),
): Buffer {
  const first = { name: `${FOLDER}manifest.json`, content: Buffer.from(manifest) }
  return Buffer.concat([...[first, ...parts.members].map(tarred), end])
}

export function tarred({ name, content, patch = new Map() }: Member): Buffer {
  const header = Buffer.alloc(512)
  const put = (text: string, at: number) => header.write(text, at, 'latin1')
  put(name, 0)
  put('0000644', 100)
  put('0000000', 108)
  put('0000000', 116)
  put(content.length.toString(8).padStart(11, '0'), 124)
  put('02263523000', 136)
  put('0', 156)
  put('ustar\x0000', 257)
  put('0000000', 329)
  put('0000000', 337)
  for (const [at, text] of patch) put(text, at)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([header, content, padding])
}
