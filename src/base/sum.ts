/** Returns the sum of a figure of all items; 0 where there is none. */
export function sum<T>(items: readonly T[], figureOf: (item: T) => number): number {
  return items.reduce((total, item) => total + figureOf(item), 0)
}
