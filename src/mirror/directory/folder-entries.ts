import { access, opendir } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.js'

/** An entry of a folder. Its name is decoded as latin1, which keeps each byte. */
export interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
  readonly isLink: boolean
}

/** Rejects where the path is missing, is no directory, or may not be searched. */
export async function assertFolder(path: string): Promise<void> {
  await access(`${path}/.`)
}

/**
 * Reads the entries of the folder at `path`. A missing folder, and a file in its place, have no entries. `begin` is called
 * first, and once more if the folder has to be read again. It returns a function that receives each entry and returns
 * whether to continue.
 */
export async function readFolder(
  path: string,
  batch: number,
  begin: () => (entry: FolderEntry) => boolean,
): Promise<void> {
  try {
    await readWith('latin1', path, batch, begin())
  } catch (error) {
    if (isAbsent(error)) return
    // Some file systems do not report the type of an entry (ISO 9660, UDF, some of NFS and FUSE). Node then calls stat for
    // each entry, which fails unless the name is bytes like the path. Reading with bytes is slower.
    if (errnoOf(error) !== 'ERR_INVALID_ARG_TYPE') throw error
    await readWith('buffer', path, batch, begin())
  }
}

async function readWith(
  encoding: 'latin1' | 'buffer',
  path: string,
  batch: number,
  take: (entry: FolderEntry) => boolean,
): Promise<void> {
  // The types of Node do not allow 'buffer' here.
  const options = { encoding: encoding as BufferEncoding, bufferSize: batch }
  for await (const entry of await opendir(Buffer.from(path, 'latin1'), options)) {
    const name: unknown = entry.name
    const text = Buffer.isBuffer(name) ? name.toString('latin1') : String(name)
    if (!take({ name: text, isFolder: entry.isDirectory(), isLink: entry.isSymbolicLink() })) return
  }
}

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR'])

export function isAbsent(error: unknown): boolean {
  return ABSENT.has(errnoOf(error))
}

export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
