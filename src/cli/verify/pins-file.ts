import { readFile } from 'node:fs/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { ChainHead, PinnedHead } from '../../chain/entry.js'
import { flagValue } from '../flags/flag-value.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import type { SavedPins } from './parse-pins.js'

/** The pinned heads by domain id, from `--expect-head` or `--expect-heads`. */
export type PinsByChain = ReadonlyMap<string, readonly PinnedHead[]>

export interface PinOptions {
  readonly chain: string | 'all'
  readonly expectHead?: ChainHead | undefined
  /** Path of saved verify results. */
  readonly expectHeads?: string | undefined
}

/**
 * Returns the pinned heads, and notes on stderr which of all chains the file may not pin. Rejects with `file_unreadable` or,
 * for a file of anything but verify results, `invalid_input`.
 */
export async function pinsOf({ chain, expectHead, expectHeads }: PinOptions): Promise<PinsByChain> {
  if (expectHead !== undefined) return new Map([[chain, [expectHead]]])
  if (expectHeads === undefined) return new Map()
  const { heads, gap } = await savedPins(expectHeads)
  if (chain === 'all' && gap !== undefined) note(safe`note: --expect-heads ${expectHeads}: ${gap}`)
  return heads
}

/** Reads the heads from a file of saved verify results. Rejects as {@link pinsOf} does. */
export async function savedPins(path: string): Promise<SavedPins> {
  const { parsePins } = await import('./parse-pins.js')
  const text = await readPins(path)
  return flagValue('--expect-heads', () => parsePins(text))
}

/** Returns the pinned heads of the chosen chain. Throws `usage` if a file was given that has no result for this chain. */
export function pinsOfChain({ chain, expectHeads }: PinOptions, pins: PinsByChain): readonly PinnedHead[] {
  const own = pins.get(chain) ?? []
  if (expectHeads === undefined || own.length > 0) return own
  throw new AuditError('usage', `--expect-heads: the file has no result for chain ${chain}`)
}

async function readPins(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new AuditError('file_unreadable', `--expect-heads: ${path} cannot be read (${errnoOf(error)})`)
  }
}
