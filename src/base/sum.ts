/** Returns the sum of one figure of all items: 0 for an empty list. */
export function sum<T>(items: readonly T[], figureOf: (item: T) => number): number {
  return items.reduce((total, item) => total + figureOf(item), 0)
}
