import { distance } from 'fastest-levenshtein'

/** Most letters that a typing mistake changes, adds or drops, by the length of the word. */
const mistakesIn = (word: string) => Math.min(3, Math.ceil(word.length / 3))

/** Returns the known word that a mistyped word comes close to, or undefined where none does. */
export function closest(typed: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((word) => ({ word, mistakes: distance(typed, word) }))
    .filter(({ word, mistakes }) => mistakes <= mistakesIn(word))
    .sort((a, b) => a.mistakes - b.mistakes)
  return best?.word
}
