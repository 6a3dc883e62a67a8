/** Returns the number that the text holds in decimal digits, 1 to 2^53-1, or undefined for any other text. */
export function positiveInteger(text: string): number | undefined {
  const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : undefined
  return Number.isSafeInteger(value) ? value : undefined
}
