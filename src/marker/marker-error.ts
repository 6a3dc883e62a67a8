import type { Advice } from '../base/advice.js'
import { AuditError } from '../base/errors.js'
import type { FoundMarker } from '../ports/marker.js'
import type { MarkerState, Unmarked } from './judge-marker.js'

/** Returns why a place may not be taken for the mirror; undefined where it is the mirror. */
export function markerError(url: string, state: MarkerState): AuditError | undefined {
  switch (state.kind) {
    case 'ours':
    case 'adoptable':
      return undefined
    case 'unreadable':
      return state.error
    case 'unmarked':
      return unmarked(url, state)
    case 'other':
      return new AuditError(
        'mirror_mismatch',
        `mirror ${url}: audit/mirror.json ${foundText(state.found)}; ${recordedText(state.recorded)}`,
        { advice: { code: 'give_marked_mirror' } },
      )
  }
}

function unmarked(url: string, state: Unmarked): AuditError {
  const { archived } = state
  const reason =
    archived > 0
      ? `and the last of the ${archived} archived rows of its chains is not there`
      : 'and no row of this database was archived there'
  return new AuditError('mirror_unmarked', `mirror ${url}: there is no marker audit/mirror.json, ${reason}`, {
    advice: adviceFor(state),
  })
}

function adviceFor({ archived, near, given, only }: Unmarked): Advice {
  if (near !== undefined) return { code: 'give_mirror_folder', url: near }
  if (archived === 0) return { code: 'init_mirror', given }
  // With a map, --all would also begin the other places that are not mounted now.
  const domainId = given.domainId ?? (given.map === undefined ? undefined : only)
  return { code: 'find_mirror', given, domainId }
}

function foundText(found: FoundMarker): string {
  if (found.kind === 'id') return `has the id ${found.id}`
  return found.kind === 'malformed' ? `is malformed (${found.problem})` : 'is missing'
}

function recordedText(recorded: string | undefined): string {
  return recorded === undefined
    ? 'this database has recorded no id, and its archived rows are not there'
    : `this database has recorded ${recorded}`
}
