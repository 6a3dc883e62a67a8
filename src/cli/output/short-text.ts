import { graphemesOf } from './text-width.js'

/** How a cell becomes shorter: an id or a SHA-256 in hex by its first digits, a time by its seconds, a text or a name by its beginning. */
export type ShortForm = 'id' | 'time' | 'digest' | 'excerpt' | 'name'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * The short forms of a UUID, as the digits that are kept at its beginning and its end. The first is the least that
 * `--domain` takes; a beginning ends before a hyphen.
 */
const ID_FORMS: readonly (readonly [number, number])[] = [
  [8, 0],
  [13, 0],
  [18, 0],
  [8, 4],
  [8, 12],
]

const DIGEST = /\b([0-9a-f]{8})[0-9a-f]{56}\b/g

/** The characters of an excerpt and of a name. */
const EXCERPT = 80
const NAME = 24

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.\d+Z$/

/** Returns the cells of one column in their short form. `cut` is printed where an id is cut. */
export function shortened(
  texts: readonly string[],
  form: ShortForm | undefined,
  cut: string,
): readonly string[] {
  switch (form) {
    case 'id':
      return shortIds(texts, cut)
    case 'time':
      return texts.map((text) => text.replace(TIME, '$1Z'))
    case 'digest':
      return texts.map((text) => text.replace(DIGEST, `$1${cut}`))
    case 'excerpt':
      return texts.map((text) => excerpt(text, EXCERPT, cut))
    case 'name':
      return texts.map((text) => excerpt(text, NAME, cut))
    default:
      return texts
  }
}

/** Returns UUIDs in the first form that differs wherever the ids of the column differ. Other texts stay whole. */
function shortIds(texts: readonly string[], cut: string): readonly string[] {
  const ids = new Set(texts.filter((text) => UUID.test(text)))
  for (const [first, last] of ID_FORMS) {
    const short = new Map([...ids].map((id) => [id, id.slice(0, first) + cut + id.slice(id.length - last)]))
    if (new Set(short.values()).size === ids.size) return texts.map((text) => short.get(text) ?? text)
  }
  return texts
}

function excerpt(text: string, most: number, cut: string): string {
  return text.length > most ? `${graphemesOf(text.slice(0, most)).slice(0, -1).join('')}${cut}` : text
}
