import { AuditError } from '../../base/errors.js'
import { readInput } from '../../base/files/read-input.js'
import { cloudTrailEntry, type MappingOptions } from './cloudtrail/entry.js'
import { readCloudTrailFile, type TrailItem } from './cloudtrail/file.js'
import { fileNote } from './cloudtrail/file-note.js'
import { type InputEntry, parseInputLine } from './input-line.js'
import { type Line, splitLines } from './lines.js'

export type InputFormat = 'ndjson' | 'cloudtrail'

/** One possible entry of an input, and its position there. */
export interface Candidate {
  readonly where: string
  /** The entry, or the error that refuses it. */
  readonly entry: InputEntry | AuditError
  /** Returns the input as it was read, for the file of rejects; undefined if there is nothing to keep. */
  raw(): Uint8Array | undefined
  /** `raw` is only the beginning of the line: a line over 1 MiB is never held whole. */
  readonly cut?: true | undefined
  /** The file of the entry. */
  readonly file?: string | undefined
  /** `entry` is the error of a whole file, or of the rest of it. */
  readonly isFile?: true | undefined
}

/** The candidates of an input, in order: as many at a time as were read at once, at least one. */
export type Candidates = AsyncIterable<readonly Candidate[]>

/** A line of a file of rejects that holds no entry: it names a file that an earlier run set aside whole. */
export interface Skipped {
  readonly where: string
  readonly setAside: string
}

export interface FileOptions extends MappingOptions {
  readonly until?: AbortSignal | undefined
  readonly onSkipped?: ((skipped: Skipped) => void) | undefined
  /** Receives the number of bytes that were read of a file, and a call without a number at its end. */
  readonly onRead?: ((file: string, bytes?: number) => void) | undefined
}

/** Yields the lines of an NDJSON stream. */
export async function* ndjsonCandidates(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<readonly Candidate[]> {
  for await (const lines of splitLines(chunks)) yield lines.map((line) => new LineCandidate(name, line))
}

/** A class, because a stream has many of them: the name and the function of each line are made only where they are used. */
class LineCandidate implements Candidate {
  readonly entry: InputEntry | AuditError
  readonly #name: string
  readonly #line: Line

  constructor(name: string, line: Line) {
    this.#name = name
    this.#line = line
    this.entry = entryOf(() => parseLine(line))
  }

  get where(): string {
    return `${this.#name}, line ${this.#line.number}`
  }

  get cut(): true | undefined {
    return this.#line.tooLong
  }

  raw(): Uint8Array {
    return this.#line.bytes
  }
}

function parseLine(line: Line): InputEntry {
  if (line.tooLong) throw new AuditError('invalid_input', 'longer than 1 MiB')
  return parseInputLine(line.bytes)
}

/**
 * Yields the candidates of files, one file after the other, until the end of the last file or until `until` aborts. A file
 * that cannot be read, or that is not of the format, is one candidate with the error `file_unreadable` or `invalid_input`, and
 * the next file follows.
 */
export async function* fileCandidates(
  paths: readonly string[],
  format: InputFormat,
  options: FileOptions = {},
): AsyncGenerator<readonly Candidate[]> {
  for (const file of paths) {
    try {
      yield* candidatesOf(file, format, options)
      options.onRead?.(file)
    } catch (error) {
      options.until?.throwIfAborted()
      if (!(error instanceof AuditError)) throw error
      const raw = () => (format === 'cloudtrail' ? fileNote(file, error.message) : undefined)
      yield [{ where: file, entry: error, raw, file, isFile: true }]
    }
  }
}

function candidatesOf(file: string, format: InputFormat, options: FileOptions): Candidates {
  if (format === 'cloudtrail') return cloudTrailCandidates(file, options)
  const chunks = counted(readInput(file, options.until), (bytes) => options.onRead?.(file, bytes))
  return ndjsonCandidates(refuseGzip(chunks, file), file)
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length)
    yield chunk
  }
}

/** Records that are mapped at once: a file may have 100,000 of them, and the event loop reads its sockets between two yields. */
const RECORDS_AT_ONCE = 100

async function* cloudTrailCandidates(
  file: string,
  options: FileOptions,
): AsyncGenerator<readonly Candidate[]> {
  const items = await readCloudTrailFile(file, options.until)
  for (let start = 0; start < items.length; start += RECORDS_AT_ONCE) {
    const candidates = recordCandidates(items.slice(start, start + RECORDS_AT_ONCE), file, options)
    if (candidates.length > 0) yield candidates
  }
}

function recordCandidates(items: readonly TrailItem[], file: string, options: FileOptions): Candidate[] {
  const candidates: Candidate[] = []
  for (const item of items) {
    const where = `${file}, ${item.where}`
    if ('setAside' in item) options.onSkipped?.({ where, setAside: item.setAside })
    else
      candidates.push({
        where,
        entry: entryOf(() => itemEntry(item, where, options)),
        raw: () => rawOf(item),
        file,
      })
  }
  return candidates
}

type RecordItem = Exclude<TrailItem, { readonly setAside: string }>

function itemEntry(item: RecordItem, where: string, options: FileOptions): InputEntry {
  if ('problem' in item) throw new AuditError('invalid_input', `${where}: ${item.problem}`)
  return cloudTrailEntry(item.record, where, options)
}

function rawOf(item: RecordItem): Uint8Array {
  return 'problem' in item ? item.bytes : Buffer.from(JSON.stringify(item.record))
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
