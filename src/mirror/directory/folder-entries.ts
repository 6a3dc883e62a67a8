import { access, opendir } from 'node:fs/promises'
import { errnoOf } from '../../base/errors.js'

/** A name goes through latin1, which keeps each byte. */
export interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
  readonly isLink: boolean
}

/** Rejects where the directory of a mirror is not there or not mounted, is no directory, or may not be searched. */
export async function assertFolder(path: string): Promise<void> {
  await access(`${path}/.`)
}

/**
 * What is in the folder at `path`, of which a folder that went meanwhile, or was never there, has nothing: a file in its
 * place is none either. `take` is given each entry and tells whether to go on; `begin` is called first, and once more
 * where the folder has to be read anew.
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
    // Where the file system does not say what an entry is (ISO 9660, UDF, some of NFS and FUSE) Node asks for each, and
    // can only do so with a name that is bytes, as the path is. That is slower.
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
  // The types know no names that are bytes.
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
