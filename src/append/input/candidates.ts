import { AuditError } from '../../base/errors.js'
import { cloudTrailEntry, readCloudTrailFile } from './cloudtrail.js'
import { type InputEntry, parseInputLine } from './input-line.js'
import { type Line, splitLines } from './lines.js'
import { readInput } from './read-input.js'

export type InputFormat = 'ndjson' | 'cloudtrail'

/** One possible entry of an input, and its position there. */
export interface Candidate {
  readonly where: string
  /** The entry, or the error that refuses it. */
  readonly entry: InputEntry | AuditError
  /** Returns the input as it was read, for the file of rejects. */
  readonly raw: () => Uint8Array
  /** `raw` is only the beginning of the line: a line over 1 MiB is never held whole. */
  readonly cut?: true | undefined
}

/** Yields the lines of an NDJSON stream, in order. */
export async function* ndjsonCandidates(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Candidate> {
  for await (const line of splitLines(chunks)) {
    const where = `${name}, line ${line.number}`
    yield { where, entry: entryOf(() => parseLine(line)), raw: () => line.bytes, cut: line.tooLong }
  }
}

function parseLine(line: Line): InputEntry {
  if (line.tooLong) throw new AuditError('invalid_input', 'longer than 1 MiB')
  return parseInputLine(line.bytes)
}

/**
 * Yields the candidates of files, one file after the other, until the end of the last file or until `until` aborts.
 * Rejects with `file_unreadable`, or with `invalid_input` naming the file.
 */
export async function* fileCandidates(
  paths: readonly string[],
  format: InputFormat,
  until?: AbortSignal,
): AsyncGenerator<Candidate> {
  for (const path of paths) {
    if (format === 'cloudtrail') yield* cloudTrailCandidates(path, until)
    else yield* ndjsonCandidates(refuseGzip(readInput(path, until), path), path)
  }
}

async function* cloudTrailCandidates(
  path: string,
  until: AbortSignal | undefined,
): AsyncGenerator<Candidate> {
  for (const [index, record] of (await readCloudTrailFile(path, until)).entries()) {
    const where = `${path}, record ${index + 1}`
    yield {
      where,
      entry: entryOf(() => cloudTrailEntry(record, where)),
      raw: () => Buffer.from(JSON.stringify(record)),
    }
  }
}

/** Throws for gzip. Otherwise the error would be about an ill-formed first line, which hides the missing --format. */
async function* refuseGzip(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  let first = true
  for await (const chunk of chunks) {
    if (first && chunk[0] === 0x1f && chunk[1] === 0x8b) {
      throw new AuditError('invalid_input', `${path}: expected NDJSON, got gzip`, {
        advice: { code: 'name_cloudtrail_format' },
      })
    }
    first = false
    yield chunk
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
