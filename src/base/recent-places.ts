import { RECENT } from '../chain/evidence/neighbours.js'

/** Bytes `from` to `to` of a buffer that its source does not change. */
export interface Place {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

function emptyPlace(): { -readonly [K in keyof Place]: Place[K] } {
  return { bytes: Buffer.alloc(0), from: 0, to: 0 }
}

/**
 * Remembers where the last rows lie in the buffers of their source. A source can then read the rows before a finding again,
 * and copies nothing for a chain without one.
 */
export class RecentPlaces {
  readonly #places = Array.from({ length: RECENT }, emptyPlace)
  #at = 0

  note(bytes: Buffer, from: number, to: number): void {
    const place = this.#places[this.#at]
    this.#at = this.#at === RECENT - 1 ? 0 : this.#at + 1
    if (place === undefined) return
    place.bytes = bytes
    place.from = from
    place.to = to
  }

  /** The places of the last rows, oldest first. */
  get inOrder(): Place[] {
    return [...this.#places.slice(this.#at), ...this.#places.slice(0, this.#at)].filter(
      ({ from, to }) => to > from,
    )
  }
}
