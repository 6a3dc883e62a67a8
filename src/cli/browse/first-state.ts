import type { BrowseData } from './data.js'
import { NO_FILTER } from './model/filter-line.js'
import { START } from './model/list-position.js'
import { openRows } from './model/navigation.js'
import { type Size, type State, started } from './model/state.js'
import { ASCII, UNICODE } from './views/lines.js'

interface FirstView {
  readonly size: Size
  readonly unicode: boolean
  /** The chain to open; absent: the list of the chains. */
  readonly domainId?: string | undefined
}

/** Returns the state before anything is read. The rows of a chain that is given come first, and then the names of all chains. */
export function firstState(
  { source, place }: Pick<BrowseData, 'source' | 'place'>,
  { size, unicode, domainId }: FirstView,
): State {
  const empty: State = {
    size,
    glyphs: unicode ? UNICODE : ASCII,
    source,
    place,
    ends: new Map(),
    checked: new Map(),
    views: [{ kind: 'chains', position: START }],
    jobs: {},
    nextJob: 1,
    isDone: false,
  }
  if (domainId === undefined) return started(empty, { kind: 'chains' })
  return openRows(empty, domainId, { at: 'first' }, NO_FILTER)
}
