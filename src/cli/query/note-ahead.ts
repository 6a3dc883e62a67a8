import { wireTime } from '../../base/wire-time.js'
import type { EntryFilter, EntryReader } from '../../ports/query.js'
import { rowsAheadOf } from '../../query/rows-ahead.js'
import { chainWords } from '../flags/chain-words.js'
import { note } from '../output/streams.js'
import { logWords, namesWords } from '../shell/given-log.js'

/** Notes how many rows of the chain are ahead of the clock, where rows are selected by time. */
export async function noteAhead(
  reader: EntryReader,
  domainId: string,
  range: Pick<EntryFilter, 'from' | 'to'>,
): Promise<void> {
  const ahead = await rowsAheadOf(reader, domainId, range)
  if (ahead === undefined) return
  const see = `audit list ${chainWords(domainId)} --from ${wireTime(ahead.after)}${logWords()}${namesWords()}`
  note(
    `note: ${ahead.rows} rows of this chain are ahead of the clock, whenever they were appended; to see them: ${see}`,
  )
}
