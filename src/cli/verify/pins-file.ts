import { readFile } from 'node:fs/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { flagValue } from '../flags/flag-value.js'

/** Heads by chain, as `--expect-head` or `--expect-heads` gave them. */
export type PinsByChain = ReadonlyMap<string, readonly ChainHead[]>

export interface PinOptions {
  readonly chain: string | 'all'
  readonly expectHead?: ChainHead | undefined
  /** Path of saved verify results. */
  readonly expectHeads?: string | undefined
}

/** Rejects with `file_unreadable`, and with `invalid_input` for a file that holds anything else than verify results. */
export async function pinsOf({ chain, expectHead, expectHeads }: PinOptions): Promise<PinsByChain> {
  if (expectHead !== undefined) return new Map([[chain, [expectHead]]])
  return expectHeads === undefined ? new Map() : savedPins(expectHeads)
}

/** The heads of a file of saved verify results. Rejects as {@link pinsOf} does. */
export async function savedPins(path: string): Promise<PinsByChain> {
  const { parsePins } = await import('./parse-pins.js')
  const text = await readPins(path)
  return flagValue('--expect-heads', () => parsePins(text))
}

/** Of the one chain that was chosen. Throws `usage` where a file was given that says nothing of it. */
export function pinsOfChain({ chain, expectHeads }: PinOptions, pins: PinsByChain): readonly ChainHead[] {
  const own = pins.get(chain) ?? []
  if (expectHeads === undefined || own.length > 0) return own
  throw new AuditError('usage', `--expect-heads: the file says nothing of chain ${chain}`)
}

async function readPins(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new AuditError('file_unreadable', `--expect-heads: ${path} cannot be read (${errnoOf(error)})`)
  }
}
