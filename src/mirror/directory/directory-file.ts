import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { closeSync, constants, fstatSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { errnoOf } from '../../base/errors.js'

// Not the functions of fs/promises: those make objects of each file, and were a third of the time of a create.
const openFile = promisify(fs.open)
const readFile = promisify(fs.read)
const syncFile = promisify(fs.fsync)
const linkFile = promisify(fs.link)
const unlinkFile = promisify(fs.unlink)

/** A symbolic link is not followed, and opening a FIFO that nobody writes to does not hang. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EISDIR'])
/** A symbolic link (Linux and macOS, FreeBSD), a socket. */
const NO_FILE: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK', 'ENXIO'])

/** Where a file is written until it is whole. A process that is killed leaves one behind, and it is never an object. */
const DRAFT = /^\.audit-[0-9a-f]{16}\.tmp$/

export function isDraft(name: string): boolean {
  return name.endsWith('.tmp') && DRAFT.test(name)
}

/**
 * At most `maxBytes` + 1 bytes of a file; undefined if there is none. What stands there and is no regular file (a link,
 * a FIFO, a device) has no bytes: it is somebody's action, to be reported as a malformed object and not as a failed read.
 * `durable`: makes the content so before resolving.
 */
export async function readStored(
  path: string,
  maxBytes: number,
  durable = false,
): Promise<Buffer | undefined> {
  const file = await openStored(path)
  if (typeof file !== 'number') return file
  try {
    // Of an open file these two ask no disk; each saves a thread's turn, and reading is twice as fast without.
    const status = fstatSync(file)
    if (status.isDirectory()) return undefined
    if (!status.isFile()) return Buffer.alloc(0)
    const bytes = await readUpTo(file, status.size, maxBytes)
    if (durable) await syncFile(file)
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

/** `size` is what the file was said to have. If it has grown since it is read anew. */
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
 * Puts a whole, synced file at `path`, or leaves alone what is there: link(2) does the one or the other, also among many
 * at once. `then` is told whether this call put it; its name is not durable yet. Leaves no draft behind unless the
 * process dies.
 */
export async function placeFile<T>(
  path: string,
  bytes: Uint8Array,
  then: (created: boolean) => Promise<T>,
): Promise<T> {
  const draft = join(dirname(path), draftName())
  let removing: Promise<void> | undefined
  const remove = () => {
    removing ??= unlinkFile(draft).catch(() => undefined)
    return removing
  }
  try {
    await writeDraft(draft, bytes)
    const created = await linkOnce(draft, path)
    void remove()
    return await then(created)
  } finally {
    await remove()
  }
}

const PROCESS = randomBytes(4).toString('hex')
let drafts = 0

/** No other process's, and no other of this one's; were it nevertheless there, it is not opened. */
function draftName(): string {
  drafts = (drafts + 1) % 2 ** 32
  return `.audit-${PROCESS}${drafts.toString(16).padStart(8, '0')}.tmp`
}

async function writeDraft(draft: string, bytes: Uint8Array): Promise<void> {
  const file = await openFile(draft, 'wx', 0o600)
  try {
    // Into the page cache: cheaper than to ask a thread for it. The disk is waited for by the sync.
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    await syncFile(file)
  } finally {
    closeSync(file)
  }
}

async function linkOnce(draft: string, path: string): Promise<boolean> {
  try {
    await linkFile(draft, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}
