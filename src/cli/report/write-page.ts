import { createHash } from 'node:crypto'
import type { OutputFile } from '../../bundle/output-file.js'

/** Characters to collect before a write. */
const CHUNK = 256 * 1024

/** A file that was written. */
export interface WrittenPage {
  readonly bytes: number
  /** 64 hex digits. */
  readonly sha256: string
}

/** Writes the pieces of a page to the file, which gets its name when all are written. Rejects with `output_failed`. */
export async function writePage(
  output: OutputFile,
  pieces: Iterable<string>,
  signal: AbortSignal,
): Promise<WrittenPage> {
  const digest = createHash('sha256')
  let bytes = 0
  await output.write(async (file) => {
    for (const chunk of chunksOf(pieces)) {
      signal.throwIfAborted()
      digest.update(chunk)
      bytes += chunk.length
      await file.writeFile(chunk)
    }
  })
  return { bytes, sha256: digest.digest('hex') }
}

function* chunksOf(pieces: Iterable<string>): Generator<Buffer> {
  let text = ''
  for (const piece of pieces) {
    text += piece
    if (text.length < CHUNK) continue
    yield Buffer.from(text, 'utf8')
    text = ''
  }
  yield Buffer.from(text, 'utf8')
}
