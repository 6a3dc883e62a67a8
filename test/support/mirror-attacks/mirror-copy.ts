import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CHAINS, type PlainRow, rowOf } from '../attacks/chains.js'
import { keyOf, type ObjectFields, objectOf } from './objects.js'

const MARKER = 'audit/mirror.json'

/** The id of the marker, which the database must have recorded. */
export const MARKER_ID = '018f0000-0000-7000-8000-00000000aaaa'

/** A mirror in a directory, like one that `aws s3 sync` writes, and what an attacker can do to it. */
export class MirrorCopy {
  private constructor(readonly dir: string) {}

  /** Makes a mirror of all rows of chains.ts, written without the code under test. */
  static async ofChains(): Promise<MirrorCopy> {
    const copy = new MirrorCopy(await mkdtemp(join(tmpdir(), 'mirror-attack-')))
    for (const domainId of Object.keys(CHAINS) as (keyof typeof CHAINS)[]) {
      for (const { seq } of CHAINS[domainId] ?? []) await copy.write(rowOf(domainId, seq))
    }
    await copy.put(MARKER, Buffer.from(`{"format":"audit-mirror-1","id":"${MARKER_ID}"}\n`))
    return copy
  }

  get url(): string {
    return pathToFileURL(this.dir).href
  }

  async copied(): Promise<MirrorCopy> {
    const copy = new MirrorCopy(await mkdtemp(join(tmpdir(), 'mirror-attack-')))
    await cp(this.dir, copy.dir, { recursive: true })
    return copy
  }

  /** Writes the object of a row under its key, over any other object. */
  async write(row: PlainRow, patch: ObjectFields = {}): Promise<void> {
    await this.put(keyOf(row.domainId, row.seq), await objectOf(row, patch))
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(this.pathOf(key)), { recursive: true })
    await writeFile(this.pathOf(key), bytes)
  }

  read(key: string): Promise<Buffer> {
    return readFile(this.pathOf(key))
  }

  async keys(): Promise<string[]> {
    const entries = await readdir(this.dir, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    const keys = files.map(({ parentPath, name }) => join(parentPath, name).slice(this.dir.length + 1))
    return keys.filter((key) => key !== MARKER).sort()
  }

  async move(from: string, to: string): Promise<void> {
    await mkdir(dirname(this.pathOf(to)), { recursive: true })
    await rename(this.pathOf(from), this.pathOf(to))
  }

  async swap(left: string, right: string): Promise<void> {
    const [x, y] = await Promise.all([this.read(left), this.read(right)])
    await Promise.all([this.put(left, y), this.put(right, x)])
  }

  /** Deletes an object or a folder. */
  async remove(key: string): Promise<void> {
    await rm(this.pathOf(key), { recursive: true })
  }

  /** Sets the time at which an object was stored, in seconds since 1970. */
  async date(key: string, seconds: number): Promise<void> {
    await utimes(join(this.dir, key), seconds, seconds)
  }

  async link(key: string, target: string): Promise<void> {
    await this.remove(key)
    await symlink(this.pathOf(target), this.pathOf(key))
  }

  async drop(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true })
  }

  private pathOf(key: string): string {
    return join(this.dir, key)
  }
}
