import { createReadStream } from 'node:fs'
import { AuditError } from '../errors.js'
import { cloudTrailEntry, readCloudTrailFile } from './cloudtrail.js'
import { type InputEntry, parseInputLine } from './input-line.js'
import { type Line, splitLines } from './lines.js'

export type InputFormat = 'ndjson' | 'cloudtrail'

/** One would-be entry of an input, and where it stands there. */
export interface Candidate {
  readonly where: string
  /** The entry, or why it is none. */
  readonly entry: InputEntry | AuditError
  /** As it came, for a file of rejects. */
  readonly raw: () => Uint8Array
}

/** The lines of an NDJSON stream, in order. */
export async function* ndjsonCandidates(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Candidate> {
  for await (const line of splitLines(chunks)) {
    const where = `${name}, line ${line.number}`
    yield { where, entry: entryOf(() => parseLine(line)), raw: () => line.bytes }
  }
}

function parseLine(line: Line): InputEntry {
  if (line.tooLong) throw new AuditError('invalid_input', 'longer than 1 MiB')
  return parseInputLine(line.bytes)
}

/** The candidates of files, one file after the other. Rejects with `file_unreadable`, or `invalid_input` naming the file. */
export async function* fileCandidates(
  paths: readonly string[],
  format: InputFormat,
): AsyncGenerator<Candidate> {
  for (const path of paths) {
    if (format === 'cloudtrail') yield* cloudTrailCandidates(path)
    else yield* ndjsonCandidates(readChunks(path), path)
  }
}

async function* cloudTrailCandidates(path: string): AsyncGenerator<Candidate> {
  for (const [index, record] of (await readCloudTrailFile(path)).entries()) {
    const where = `${path}, record ${index + 1}`
    yield {
      where,
      entry: entryOf(() => cloudTrailEntry(record, where)),
      raw: () => Buffer.from(JSON.stringify(record)),
    }
  }
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new AuditError('file_unreadable', `${path}: cannot be read (${code})`, { cause: error })
  }
}

function entryOf(parse: () => InputEntry): InputEntry | AuditError {
  try {
    return parse()
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  }
}
