import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { isHash } from '../../chain/hash.js'
import { parseSeq } from '../../query/list-query.js'

/** The flags that name heads seen before. Read with {@link parsePinFlags} and `pinsOf`. */
export const pinFlags = {
  'expect-head': Flags.string({
    helpValue: 'SEQ:HASH',
    summary: 'a head seen before, which the chain must contain',
  }),
  'expect-heads': Flags.string({
    helpValue: 'FILE',
    summary: 'a file of saved verify results, one per line; their heads must be in the chains',
  }),
}

/** The flags of {@link pinFlags} as oclif's parser returns them. */
export interface GivenPins {
  readonly 'expect-head'?: string | undefined
  readonly 'expect-heads'?: string | undefined
}

export interface Pins {
  readonly expectHead?: ChainHead | undefined
  /** Path of saved verify results. */
  readonly expectHeads?: string | undefined
}

/** Returns the pins. Throws `usage` for both kinds, for one head of all chains, and for a text that is no head. */
export function parsePinFlags(chain: string | 'all', flags: GivenPins): Pins {
  const { 'expect-head': head, 'expect-heads': heads } = flags
  if (chain === 'all' && head !== undefined)
    throw new AuditError('usage', '--expect-head is for one chain, not for --all')
  if (head !== undefined && heads !== undefined)
    throw new AuditError('usage', '--expect-head and --expect-heads exclude each other')
  return { expectHead: head === undefined ? undefined : parsePin(head), expectHeads: heads }
}

/** Parses `SEQ:HASH`, a head seen before. Throws `usage` for anything else. */
export function parsePin(text: string): ChainHead {
  const [seq = '', hash = '', ...rest] = text.toLowerCase().split(':')
  if (!/^[1-9]\d{0,15}$/.test(seq) || !isHash(hash) || rest.length > 0) {
    throw new AuditError('usage', '--expect-head: expected SEQ:HASH, a row number and 64 hex digits')
  }
  return { seq: parseSeq(seq), hash }
}
