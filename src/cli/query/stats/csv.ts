import type { Stats } from '../../../query/stats/stats-report.js'
import { csvRecord } from '../../output/csv.js'
import type { Output } from '../../output/output.js'
import { dimensionKey } from './json.js'

/** Prints one record for each value, and one with an empty value and the name `other` for the rows of all other values. Rows that cannot be read have the name `unreadable`. */
export async function printStatsCsv({ blocks, unreadable }: Stats, out: Output): Promise<void> {
  await out.line(csvRecord(['by', 'value', 'rows', 'denied']))
  for (const { dimension, groups, other } of blocks) {
    const by = dimensionKey(dimension)
    for (const { value, rows, denied } of groups) await out.line(csvRecord([by, value, rows, denied]))
    if (other !== undefined) await out.line(csvRecord([`${by} other`, '', other.rows, other.denied]))
  }
  if (unreadable > 0) await out.line(csvRecord(['unreadable', '', unreadable, 0]))
}
