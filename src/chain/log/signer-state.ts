import { isHash } from '../hash.js'
import { subtreesOf } from '../tree/frontier.js'
import { jsonMembers } from './json-line.js'
import { parseOrigin } from './origin.js'

/** What a signer promised to sign: its record number k of one tree. All hashes are 64 hex digits. */
export interface SignerState {
  readonly origin: string
  /** From 0. */
  readonly k: number
  readonly size: number
  readonly root: string
  readonly lastEntryHash: string
  /** The path of the last leaf, its sibling first. */
  readonly path: readonly string[]
  /** The roots of the full subtrees, largest first. */
  readonly frontier: readonly string[]
}

const FORMAT = 'audit-signer/1'

export function signerStateText({
  origin,
  k,
  size,
  root,
  lastEntryHash,
  path,
  frontier,
}: SignerState): string {
  const record = { format: FORMAT, origin, k, size, root, last_entry_hash: lastEntryHash, path, frontier }
  return `${JSON.stringify(record)}\n`
}

/** Reads a record. Undefined for every other text, and for another spelling of the same record. No hash is computed. */
export function parseSignerState(text: string): SignerState | undefined {
  const record = jsonMembers(text)
  const { origin, k, size, root, last_entry_hash: lastEntryHash, path, frontier } = record
  if (typeof origin !== 'string' || parseOrigin(origin) === undefined || !isCount(k, 0) || !isCount(size, 1))
    return undefined
  if (!isHashText(root) || !isHashText(lastEntryHash) || !areHashes(path) || !areHashes(frontier))
    return undefined
  const state = { origin, k, size, root, lastEntryHash, path, frontier }
  const isComplete = frontier.length === subtreesOf(size) && path.length === subtreesOf(size - 1)
  return isComplete && signerStateText(state) === text ? state : undefined
}

function isCount(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min
}

function isHashText(value: unknown): value is string {
  return typeof value === 'string' && isHash(value)
}

function areHashes(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isHashText)
}
