import { LIMITS } from '../../chain/limits.js'
import type { PageRange } from '../../ports/query.js'
import type { Bind } from '../session/keyset-page.js'

/** Returns the conditions of a range on the column seq. Leaves out rows beyond 2^53-1, which no reader returns. */
export function seqConditions({ after, upTo = LIMITS.maxSeq }: PageRange, bind: Bind): string[] {
  return [`seq > ${bind(after)}`, `seq <= ${bind(upTo)}`]
}

/** Returns the direction of ORDER BY. */
export function direction({ order }: PageRange): 'ASC' | 'DESC' {
  return order === 'descending' ? 'DESC' : 'ASC'
}
