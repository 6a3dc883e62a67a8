import { Output } from './output.js'
import { screenOf } from './screen.js'
import { type Style, styleOf } from './style.js'

/** Stdout, for data only. */
export const stdout = new Output(process.stdout)

// A closed stderr (`2>&1 | head`) does not stop the work.
process.stderr.on('error', () => undefined)

/** Writes a line of progress, a note or an error, after what was printed before. The text must be safe already. */
export function note(line: string): void {
  if (divert !== undefined) {
    divert(line)
    return
  }
  stdout.flush()
  process.stderr.write(`${line}\n`)
}

/** Returns the style of notes and errors, which go to stderr. */
export function noteStyle(): Style {
  return styleOf(screenOf(process.stderr))
}

let divert: ((line: string) => void) | undefined

/** Passes notes and errors to `to` from now on, while a full-screen view has the terminal; undefined ends that. */
export function divertNotes(to: ((line: string) => void) | undefined): void {
  divert = to
}
