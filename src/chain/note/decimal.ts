const DECIMAL = /^(0|[1-9][0-9]{0,15})$/

/** Returns a whole number of at least `min` and at most 2^53-1, written without a sign and without leading zeros; else undefined. */
export function parseDecimal(text: string, min: number): number | undefined {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) && value >= min ? value : undefined
}
