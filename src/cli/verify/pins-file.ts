import { readFile } from 'node:fs/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { flagValue } from '../flags/flag-value.js'

/** The pinned heads by domain id, from `--expect-head` or `--expect-heads`. */
export type PinsByChain = ReadonlyMap<string, readonly ChainHead[]>

export interface PinOptions {
  readonly chain: string | 'all'
  readonly expectHead?: ChainHead | undefined
  /** Path of saved verify results. */
  readonly expectHeads?: string | undefined
}

/** Returns the pinned heads. Rejects with `file_unreadable` or, for a file of anything but verify results, `invalid_input`. */
export async function pinsOf({ chain, expectHead, expectHeads }: PinOptions): Promise<PinsByChain> {
  if (expectHead !== undefined) return new Map([[chain, [expectHead]]])
  return expectHeads === undefined ? new Map() : savedPins(expectHeads)
}

/** Reads the heads from a file of saved verify results. Rejects as {@link pinsOf} does. */
export async function savedPins(path: string): Promise<PinsByChain> {
  const { parsePins } = await import('./parse-pins.js')
  const text = await readPins(path)
  return flagValue('--expect-heads', () => parsePins(text))
}

/** Returns the pinned heads of the chosen chain. Throws `usage` if a file was given that has no result for this chain. */
export function pinsOfChain({ chain, expectHeads }: PinOptions, pins: PinsByChain): readonly ChainHead[] {
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
