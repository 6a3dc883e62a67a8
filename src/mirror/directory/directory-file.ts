import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { closeSync, constants, fstatSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { errnoOf } from '../../base/errors.js'
import type { NameCalls } from './name-calls.js'

// The functions of fs/promises create an object for each file, which took a third of the time of a create.
const openFile = promisify(fs.open)
const readFile = promisify(fs.read)

/** Does not follow a symbolic link, and does not hang on a FIFO without a writer. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EISDIR'])
/** The errors for a symbolic link (Linux and macOS, then FreeBSD) and for a socket. */
const NO_FILE: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK', 'ENXIO'])

/** The name of a file while it is written. A process that is killed leaves such a file behind; it is never an object. */
const DRAFT = /^\.audit-[0-9a-f]{16}\.tmp$/

export function isDraft(name: string): boolean {
  return name.endsWith('.tmp') && DRAFT.test(name)
}

/**
 * Reads at most `maxBytes` + 1 bytes of a file; resolves with undefined where it is missing. Resolves with no bytes for
 * anything else than a regular file (a link, a FIFO, a device): somebody put it there on purpose, so it must be reported
 * as a malformed object and not as a failed read. `sync`, where given, makes the content durable before this resolves.
 */
export async function readStored(
  path: string,
  maxBytes: number,
  sync?: NameCalls['sync'],
): Promise<Buffer | undefined> {
  const file = await openStored(path)
  if (typeof file !== 'number') return file
  try {
    // On an open file fstat and close need no disk. The synchronous calls avoid the thread pool: reading is twice as fast.
    const status = fstatSync(file)
    if (status.isDirectory()) return undefined
    if (!status.isFile()) return Buffer.alloc(0)
    const bytes = await readUpTo(file, status.size, maxBytes)
    await sync?.(file)
    return bytes
  } finally {
    closeSync(file)
  }
}

async function openStored(path: string): Promise<number | Buffer | undefined> {
  try {
    return await openFile(path, READ)
  } catch (error) {
    const errno = errnoOf(error)
    if (ABSENT.has(errno)) return undefined
    if (NO_FILE.has(errno)) return Buffer.alloc(0)
    throw error
  }
}

/** `size` is the file's size from fstat. If the file has grown since, it is read again. */
async function readUpTo(file: number, size: number, maxBytes: number): Promise<Buffer> {
  const capacity = Math.min(size, maxBytes) + 1
  const buffer = Buffer.allocUnsafe(capacity)
  let length = 0
  for (let isMore = true; isMore && length < capacity; ) {
    const { bytesRead } = await readFile(file, buffer, length, capacity - length, length)
    length += bytesRead
    isMore = bytesRead > 0 && length !== size
  }
  if (length < capacity || capacity > maxBytes) return buffer.subarray(0, length)
  return readUpTo(file, maxBytes, maxBytes)
}

/**
 * Puts a whole, synced file at `path`, or keeps the file that is there: link(2) decides atomically, also among concurrent
 * calls. Resolves with whether this call created the file, whose name is not durable yet. Leaves no draft behind unless
 * the process dies.
 */
export async function createFile(path: string, bytes: Uint8Array, calls: NameCalls): Promise<boolean> {
  const draft = join(dirname(path), draftName())
  try {
    await writeDraft(draft, bytes, calls)
    return await linkOnce(draft, path, calls)
  } finally {
    await removeDraft(draft, calls)
  }
}

async function removeDraft(draft: string, { unlink }: NameCalls): Promise<void> {
  try {
    await unlink(draft)
  } catch {
    // The draft was not created, or stays behind: it is never an object.
  }
}

const PROCESS = randomBytes(4).toString('hex')
let drafts = 0

/** Returns a name that no other process and no other call uses. If the name exists nevertheless, the open fails. */
function draftName(): string {
  drafts = (drafts + 1) % 2 ** 32
  return `.audit-${PROCESS}${drafts.toString(16).padStart(8, '0')}.tmp`
}

async function writeDraft(draft: string, bytes: Uint8Array, { open, sync }: NameCalls): Promise<void> {
  const file = await open(draft, 'wx', 0o600)
  try {
    // A synchronous write into the page cache is cheaper than a thread. Only the sync below waits for the disk.
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    await sync(file)
  } finally {
    closeSync(file)
  }
}

async function linkOnce(draft: string, path: string, { link }: NameCalls): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}
