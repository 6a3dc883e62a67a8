/** How long to wait between the tries of something that fails. Times are in milliseconds. */
export interface BackOff {
  /** The upper bound of the wait after the first failure. */
  readonly first: number
  /** The upper bound of every wait. Default: none. */
  readonly longest?: number
  /** The bound is multiplied by this factor after each failure, or grows by `first` if `linear`. Default: 2. */
  readonly growth?: number | 'linear'
  /**
   * The random part of each wait, from 0 (the bound itself) to 1 (anything from nothing to the bound). Jitter keeps
   * programs that lost the same server together from returning to it together.
   */
  readonly jitter: number
}

/** Returns the wait after `failures` failures in a row, at least 1. `random` is 0 to 1. */
export function backOff(
  { first, longest = Number.POSITIVE_INFINITY, growth = 2, jitter }: BackOff,
  failures: number,
  random = Math.random(),
): number {
  const grown = growth === 'linear' ? first * failures : first * growth ** (failures - 1)
  return Math.min(longest, grown) * (1 - jitter + jitter * random)
}
