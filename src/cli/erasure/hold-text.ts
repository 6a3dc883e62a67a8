import type { ChangedHold } from '../../erasure/hold.js'
import type { HoldRecord } from '../../ports/hold.js'
import type { Output } from '../output/output.js'
import { type Cell, type Heading, keyValues } from '../output/table.js'
import { type ChangedHoldJson, changedHoldJson, holdJson } from './hold-json.js'

/** How `hold list` prints its holds. */
export const HOLD_LIST = {
  toJson: holdJson,
  head: [
    'id',
    { title: 'placed_at', short: 'time', drop: 1 },
    { title: 'chain', short: 'id' },
    { title: 'covers', short: 'digest' },
    'reason',
    { title: 'released_at', short: 'time' },
  ] satisfies Heading[],
  toRow: (hold: HoldRecord): Cell[] => {
    const { id, placed_at, domain_id, covers, subject_pseudonym, reason, released_at } = holdJson(hold)
    const covered = subject_pseudonym === undefined ? covers : `${covers} ${subject_pseudonym}`
    return [id, placed_at, domain_id, covered, reason, released_at]
  },
}

/** Prints a hold that was placed or released, as JSON or as one field per line. */
export async function printHold(changed: ChangedHold, json: boolean, out: Output): Promise<void> {
  const shown = changedHoldJson(changed)
  if (json) await out.json(shown)
  else await out.line(keyValues(holdFields(shown)))
}

function holdFields(hold: ChangedHoldJson): (readonly [string, Cell])[] {
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
