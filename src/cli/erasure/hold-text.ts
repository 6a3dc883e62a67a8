import type { HoldJson, ToldHoldJson } from '../../erasure/hold.js'
import type { Cell } from '../output/table.js'

export const HOLD_HEAD = ['id', 'placed_at', 'chain', 'covers', 'reason', 'released_at']

export function holdRow(hold: HoldJson): Cell[] {
  const { id, placed_at, domain_id, covers, subject_pseudonym, reason, released_at } = hold
  const who = subject_pseudonym === undefined ? covers : `${covers} ${subject_pseudonym.slice(0, 12)}…`
  return [id, placed_at, domain_id, who, reason, released_at]
}

export function holdFields(hold: ToldHoldJson): (readonly [string, Cell])[] {
  return [
    ['id', hold.id],
    ['domain_id', hold.domain_id],
    ['covers', hold.covers],
    ['subject_pseudonym', hold.subject_pseudonym],
    ['identity_id', hold.identity_id],
    ['reason', hold.reason],
    ['placed_at', hold.placed_at],
    ['released_at', hold.released_at],
    ['release_reason', hold.release_reason],
    ['seq', hold.seq],
    ['entry_hash', hold.entry_hash],
  ]
}
