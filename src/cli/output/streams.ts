import { Output } from './output.js'

/** Data only. */
export const stdout = new Output(process.stdout)

// Whoever stops reading our notes (`2>&1 | head`) does not stop the work.
process.stderr.on('error', () => undefined)

/** A line of progress, a note or an error, safe already. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}
