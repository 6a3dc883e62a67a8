import * as fs from 'node:fs'
import { promisify } from 'node:util'

/** The calls that make a file and its name durable. Each rejects or throws the error of the file system. */
export interface NameCalls {
  /** Creates a file that must not exist, and opens it for writing. */
  open(path: string, flags: string, mode: number): number | Promise<number>
  link(path: string, name: string): void | Promise<void>
  unlink(path: string): void | Promise<void>
  /** Resolves once the content of an open file, or the names in an open folder, are durable. */
  sync(file: number): Promise<void>
}

/** A sync waits for the disk, so it never blocks the event loop. */
const sync = promisify(fs.fsync)

/**
 * The file systems whose names are in memory and in a journal, by their f_type of statfs: ext2 to ext4, XFS, Btrfs, F2FS and
 * tmpfs. On any other, such as NFS or FUSE, each call may wait for a server.
 */
const LOCAL: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x01021994])

export const POOLED_CALLS: NameCalls = {
  open: promisify(fs.open),
  link: promisify(fs.link),
  unlink: promisify(fs.unlink),
  sync,
}

/**
 * On a local file system a call takes 5 µs and waits at most for the journal. The way to a thread of the pool and back costs
 * 15 µs more, so that a create of our own took 200 µs of processor time with the pool, and takes 150 µs without. The price: on
 * a local disk that stalls, a call blocks the event loop until the disk answers, and no timer, signal or other chain runs.
 */
const DIRECT: NameCalls = { open: fs.openSync, link: fs.linkSync, unlink: fs.unlinkSync, sync }

/** Returns the calls for the file system that `path` is on. Rejects where the path is missing. */
export async function nameCallsOf(path: string): Promise<NameCalls> {
  const { type } = await promisify(fs.statfs)(path)
  return LOCAL.has(type) ? DIRECT : POOLED_CALLS
}
