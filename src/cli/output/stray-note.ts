import type { Strays } from '../../ports/mirror.js'
import { safe } from './safe-text.js'

/** Returns the note about names in the mirror that are no part of a chain; none where there are none. */
export function strayNotes(domainId: string, strays: Strays | undefined): string[] {
  if (strays === undefined) return []
  const { count, examples } = strays
  const [names, are] = count === 1 ? ['name', 'is no key of a row'] : ['names', 'are no keys of rows']
  const more = count > examples.length ? ', …' : ''
  return [
    safe`note: ${count} ${names} below audit/${domainId}/ ${are} and no part of the chain: ${examples.join(', ')}${more}`,
  ]
}
