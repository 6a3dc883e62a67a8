import type { TimeOrder } from '../../ports/query.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'

/** Notes that the times of a chain are not in order, where rows are selected by time. `verify` is the command to run. */
export function noteOrder(order: TimeOrder | undefined, domainId: string, verify: string): void {
  if (order !== 'broken') return
  note(safe`note: the times of chain ${domainId} are not in order, so every row was compared; run: ${verify}`)
}

/** Notes that PostgreSQL found the rows by a search that relies on an order which this run did not verify. */
export function noteUnverified(): void {
  note(
    'note: the order of the times is unverified, so a row is missing if somebody edited a time; run again with --verify',
  )
}
