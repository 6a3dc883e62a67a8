import type { ShownNames } from '../../query/choose-domain.js'

/** What a command knows of the names of chains. */
export interface ChainNames {
  /** Returns the names to print beside the ids of these chains. */
  shown(domainIds: readonly string[] | 'all'): Promise<ShownNames>
}

/** The names of a command that reads none. */
export const NAMELESS: ChainNames = { shown: async () => new Map() }
