import { LIMITS } from '../../chain/limits.js'

/**
 * Returns SQL for whether data beside the chain is due, by the row `e` that it belongs to (entryOf in off-chain.ts). `data` is the
 * name in FROM of the data, and `cutoff` is SQL for the time before which data is due.
 *
 * - A row before the cutoff makes its data due. The exception is a row whose time was set back: it is before both rows in front of
 *   it, which are in order with the row behind it, and that row is not before the cutoff. Its data stays until that row is due.
 * - Where the row is missing, its age follows from the rows around it: the row in front and both rows behind must be before the cutoff
 *   and in order. So no single edited time makes younger data due.
 */
export function isDue(data: string, cutoff: string): string {
  const time = (place: Place) => timeOf(data, place)
  return `CASE
    WHEN e.seq IS NULL THEN coalesce(${time('before')}, '-infinity') <= ${time('after')}
      AND ${time('after')} <= ${time('second after')} AND ${time('second after')} < ${cutoff}
    WHEN e.recorded_at < ${cutoff} THEN CASE WHEN e.recorded_at < ${time('before')} THEN NOT coalesce(
        e.recorded_at < ${time('second before')} AND ${time('before')} <= ${laterTime(data)} AND ${laterTime(data)} >= ${cutoff},
        false)
      ELSE true END
    ELSE false END`
}

type Place = 'before' | 'second before' | 'after' | 'second after'

const laterTime = (data: string) => `coalesce(${timeOf(data, 'after')}, 'infinity')`

/** Returns SQL for the time of a stored row near the seq of `data`. Each is one probe of the primary key. */
function timeOf(data: string, place: Place): string {
  const [range, order] = place.endsWith('before')
    ? [`BETWEEN 1 AND ${data}.seq - 1`, 'DESC']
    : [`BETWEEN ${data}.seq + 1 AND ${LIMITS.maxSeq}`, 'ASC']
  return `(SELECT near.recorded_at FROM audit_log_entry near
    WHERE near.domain_id = ${data}.domain_id AND near.seq ${range}
    ORDER BY near.seq ${order} LIMIT 1 OFFSET ${place.startsWith('second') ? 1 : 0})`
}
