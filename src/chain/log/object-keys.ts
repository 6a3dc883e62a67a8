import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { utf8 } from '../limits.js'
import { parseDecimal } from '../note/decimal.js'
import { isChainId } from '../uuid.js'

const CHECKPOINT = /^tlog\/([0-9a-f-]{36})\/checkpoints\/([0-9]{20})-([0-9a-f]{16})\.tlog-proof$/

/** Where a mirror keeps a checkpoint. */
export interface CheckpointKey {
  readonly domainId: string
  readonly size: number
  /** The first 16 hex digits of the SHA-256 of the body. */
  readonly bodyHash: string
}

/** Returns the folder of the kept checkpoints of a chain. */
export function checkpointFolder(domainId: string): string {
  return `tlog/${domainId}/checkpoints/`
}

export function checkpointKey(domainId: string, size: number, body: string): string {
  return `${checkpointsFrom(domainId, size)}-${shortHash(body)}.tlog-proof`
}

/** Returns what sorts right before the kept checkpoints of a chain from a size on. */
export function checkpointsFrom(domainId: string, size: number): string {
  return `${checkpointFolder(domainId)}${String(size).padStart(20, '0')}`
}

/** Reads the key of a kept checkpoint. Undefined for every other key. A key proves nothing. */
export function parseCheckpointKey(key: string): CheckpointKey | undefined {
  const [, domainId = '', digits = '', bodyHash] = CHECKPOINT.exec(key) ?? []
  const size = parseDecimal(digits.replace(/^0+/, ''), 1)
  return isChainId(domainId) && size && bodyHash ? { domainId, size, bodyHash } : undefined
}

/** Returns the folder of the key statements of a chain. */
export function keyStatementFolder(domainId: string): string {
  return `tlog/${domainId}/keys/`
}

/** Returns the key of the key statement of a chain. `text`: the statement. */
export function keyStatementKey(domainId: string, text: string): string {
  return `${keyStatementFolder(domainId)}${shortHash(text)}.json`
}

function shortHash(text: string): string {
  return bytesToHex(sha256(utf8(text))).slice(0, 16)
}
