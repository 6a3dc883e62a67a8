/** Which item of a list is selected, and which one is the first on the screen. */
export interface ListPosition {
  readonly selected: number
  readonly top: number
}

export const START: ListPosition = { selected: 0, top: 0 }

/** A movement in a list. */
export type Move = 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last'

/** Returns the position after a movement, in a list of `count` items; `height` items are on the screen. */
export function moved(position: ListPosition, move: Move, count: number, height: number): ListPosition {
  const page = Math.max(1, height - 1)
  const { selected } = position
  const to = {
    up: selected - 1,
    down: selected + 1,
    'page-up': selected - page,
    'page-down': selected + page,
    first: 0,
    last: count - 1,
  }[move]
  return within({ ...position, selected: to }, count, height)
}

/** Returns the nearest position whose selected item exists and is on the screen, with no empty line that an item could fill. */
export function within({ selected, top }: ListPosition, count: number, height: number): ListPosition {
  const room = Math.max(1, height)
  const at = Math.max(0, Math.min(selected, count - 1))
  const visible = Math.max(at - room + 1, Math.min(top, at))
  return { selected: at, top: Math.max(0, Math.min(visible, count - room)) }
}
