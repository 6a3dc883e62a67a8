import { HASH_BYTES } from '../layout.js'
import { decodeBase64, encodeBase64 } from './base64.js'
import { parseDecimal } from './decimal.js'
import { isKeyName } from './vkey.js'

/** The body of a checkpoint (c2sp.org/tlog-checkpoint): what the tree of one chain was at one size. */
export interface Checkpoint {
  /** The name of the tree: log name, a slash, and the id of the chain. */
  readonly origin: string
  /** The number of rows, from 1. */
  readonly size: number
  readonly root: Uint8Array
}

/** Reads a body: three lines and no extension line. Undefined for every other text. */
export function parseCheckpoint(body: string): Checkpoint | undefined {
  const [origin = '', digits = '', encoded = '', end, ...more] = body.split('\n')
  if (end !== '' || more.length > 0 || !isKeyName(origin)) return undefined
  const [size, root] = [parseDecimal(digits, 1), decodeBase64(encoded)]
  return size === undefined || root?.length !== HASH_BYTES ? undefined : { origin, size, root }
}

/** Returns the body of a checkpoint, which is what a log signs. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`
}
