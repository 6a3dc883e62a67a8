import { Output } from './output.js'

/** Stdout, for data only. */
export const stdout = new Output(process.stdout)

// A closed stderr (`2>&1 | head`) does not stop the work.
process.stderr.on('error', () => undefined)

/** Writes a line of progress, a note or an error. The text must be safe already. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}
