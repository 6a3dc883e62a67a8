import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MANIFEST_NAME } from './bundle-format.js'
import type { Manifest } from './manifest.js'
import { manifestText } from './manifest.js'
import type { OutputFile } from './output-file.js'
import { paddingOf, TAR_END, ustarHeader } from './ustar.js'

/** A member with its content. */
export interface Member {
  readonly name: string
  readonly content: Buffer
}

export interface Written {
  readonly bytes: number
  /** The hash of the whole file, to be noted in a chain of custody. */
  readonly sha256: string
}

const COPY_BYTES = 1024 * 1024

export function memberOf({ name, content }: Member): Buffer {
  return Buffer.concat([
    ustarHeader({ name, size: content.length }),
    content,
    Buffer.alloc(paddingOf(content.length)),
  ])
}

/** Writes the bundle: the manifest, which is known only at the end, comes before the segments from `scratch`. */
export async function writeBundle(
  output: OutputFile,
  manifest: Manifest,
  files: readonly Member[],
  scratch: FileHandle,
  signal: AbortSignal,
): Promise<Written> {
  const digest = createHash('sha256')
  let bytes = 0
  await output.write(async (file) => {
    const put = async (chunk: Uint8Array) => {
      digest.update(chunk)
      bytes += chunk.length
      await file.writeFile(chunk)
    }
    await put(memberOf({ name: MANIFEST_NAME, content: Buffer.from(manifestText(manifest), 'utf8') }))
    for (const member of files) await put(memberOf(member))
    for await (const chunk of chunksOf(scratch)) {
      signal.throwIfAborted()
      await put(chunk)
    }
    await put(TAR_END)
  })
  return { bytes, sha256: digest.digest('hex') }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(COPY_BYTES)
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}
