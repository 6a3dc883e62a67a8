import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { ShownNames } from '../../query/choose-domain.js'
import { safeText } from './safe-text.js'
import type { Cell, Column, Heading } from './table.js'

/** The characters of a name in a text. JSON has all of them. */
const MOST = 80

/** Returns how a text calls a chain: the platform chain by that word, another one by its id. */
export function chainText(domainId: string): string {
  return domainId === PLATFORM_ANCHOR ? 'platform chain' : domainId
}

/** Returns how one line calls a chain: as {@link chainText}, and then by its name, escaped, if it has one. */
export function chainWithName(domainId: string, names: ShownNames): string {
  const name = shownName(domainId, names)
  return name === undefined ? chainText(domainId) : `${chainText(domainId)}  ${safeText(name)}`
}

/** Returns the name of a chain for a text. A name of any length keeps its line or its table readable. */
export function shownName(domainId: string, names: ShownNames): string | undefined {
  const name = names.get(domainId)
  return name === undefined || name.length <= MOST ? name : `${name.slice(0, MOST - 2)}..`
}

const NAME: Column = { title: 'name', short: 'name', drop: 5, dropLate: true }

/** The columns of a table that say which chain a row is of. Without names there is no column for them. */
export class ChainColumns {
  readonly #names: ShownNames

  constructor(names: ShownNames) {
    this.#names = names
  }

  head(chain: Heading): Heading[] {
    return this.#names.size === 0 ? [chain] : [chain, NAME]
  }

  cells(domainId: string): Cell[] {
    const chain = chainText(domainId)
    return this.#names.size === 0 ? [chain] : [chain, shownName(domainId, this.#names)]
  }
}

/** Returns a document of a chain with the name of the chain after its id, if the chain has one. */
export function withName<T extends { readonly domain_id: string }>(
  document: T,
  names: ShownNames,
): T & { readonly name?: string } {
  const name = names.get(document.domain_id)
  if (name === undefined) return document
  const entries = Object.entries(document).flatMap((entry) =>
    entry[0] === 'domain_id' ? [entry, ['name', name]] : [entry],
  )
  return Object.fromEntries(entries) as T & { readonly name?: string }
}
