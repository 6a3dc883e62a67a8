import { parseDecimal } from '../note/decimal.js'
import { isChainId } from '../uuid.js'

/** The tree of one chain in one log. */
export interface TreeName {
  /** For example `audit.example.com/tlog`. */
  readonly logName: string
  readonly domainId: string
  /** From 1. A chain that begins anew in the same log gets the next one. */
  readonly incarnation: number
}

const LOG_NAME = /^[a-z0-9.-]+(\/[a-z0-9._-]+)*$/
const LOG_NAME_BYTES = 128
export const MAX_INCARNATION = 2 ** 32 - 1

export function isLogName(text: string): boolean {
  return text.length <= LOG_NAME_BYTES && LOG_NAME.test(text)
}

/** Returns the origin of a tree: the name on its checkpoints and of its key. */
export function originOf({ logName, domainId, incarnation }: TreeName): string {
  return [logName, domainId, ...(incarnation === 1 ? [] : [incarnation])].join('/')
}

/** Reads an origin. Undefined for every other text. */
export function parseOrigin(text: string): TreeName | undefined {
  const parts = text.split('/')
  const last = isChainId(parts.at(-1) ?? '') ? undefined : parseIncarnation(parts.pop() ?? '')
  const incarnation = last ?? 1
  const domainId = parts.pop() ?? ''
  const name = { logName: parts.join('/'), domainId, incarnation }
  return isChainId(domainId) && isLogName(name.logName) && originOf(name) === text ? name : undefined
}

/** Returns an incarnation, from 1; undefined for other texts. */
export function parseIncarnation(text: string): number | undefined {
  const value = parseDecimal(text, 1)
  return value !== undefined && value <= MAX_INCARNATION ? value : undefined
}
