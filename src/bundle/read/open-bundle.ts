import { type FileHandle, open } from 'node:fs/promises'
import { damaged, MANIFEST_NAME } from '../bundle-format.js'
import { type ReadMember, readMembers, unreadable } from '../bundle-members.js'
import { type ReadManifest, readManifest } from '../manifest.js'

/** A bundle whose manifest has been read. */
export interface OpenBundle {
  readonly file: FileHandle
  readonly manifest: ReadManifest
  /** The members after the manifest. */
  readonly members: AsyncIterable<ReadMember>
}

/** Opens a bundle. The caller closes the file. Rejects with `file_unreadable` or `bundle_malformed`; then the file is closed. */
export async function openBundle(path: string): Promise<OpenBundle> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(error, `the bundle ${path}`)
  })
  try {
    const members = readMembers(file)
    return { file, manifest: await manifestOf(members), members }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function manifestOf(members: AsyncGenerator<ReadMember>): Promise<ReadManifest> {
  const first = await members.next()
  if (first.done === true || first.value.name !== MANIFEST_NAME)
    throw damaged('it does not begin with a manifest')
  return readManifest(first.value.content)
}
