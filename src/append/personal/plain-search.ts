/** Matches a text that the search would read in more than one way. */
const MANY_READINGS = /[^\0-\x7f]|%/

/** Returns the texts of a row as one text to look into with {@link isFreeOf}, or undefined where they need the whole search. */
export function plainTexts(single: string, ...lists: readonly (readonly string[])[]): string | undefined {
  let all = single
  for (const list of lists) for (const item of list) all += `\n${item}`
  return MANY_READINGS.test(all) ? undefined : all.toLowerCase()
}

/**
 * Returns whether a text is certainly in none of the texts of {@link plainTexts}. Addresses are compared as addresses, so two
 * texts with an at sign may match although neither is in the other.
 */
export function isFreeOf(texts: string, text: string | undefined): boolean {
  if (text === undefined || text === '') return true
  if (MANY_READINGS.test(text)) return false
  if (text.includes('@') && texts.includes('@')) return false
  return !texts.includes(text.toLowerCase())
}
