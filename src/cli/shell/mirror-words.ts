import type { GivenMirrors } from '../../base/advice.js'

/** Returns the settings that say where mirrors are, as far as they were given. */
export function mirrorSettings({ map }: GivenMirrors): string {
  const mirror = '--mirror (AUDIT_MIRROR_URL)'
  return map === undefined ? mirror : `${mirror} and --mirror-map (AUDIT_MIRROR_MAP)`
}

/** Returns the flags for the mirrors as the operator gave them: without the map, the command would send chains elsewhere. */
export function mirrorWords({ url, map }: GivenMirrors): string {
  const mirror = url === undefined ? '' : ` --mirror ${quoted(url)}`
  return map === undefined ? mirror : `${mirror} --mirror-map ${quoted(map)}`
}

/** Returns one word of a shell. It has no backslash of its own: the output would double the one in `'\''`. */
export function quoted(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`
}

/** Returns the path of a FILE as one word. Digits alone would be a seq, and a hyphen would begin a flag. */
export function fileWord(path: string): string {
  return quoted(/^(?:-|\d+$)/.test(path) ? `./${path}` : path)
}
