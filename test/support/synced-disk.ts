import { fstatSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type NameCalls, nameCallsOf } from '../../src/mirror/directory/name-calls.js'

/**
 * A model of a disk that loses power: a file survives only if its content was synced, and if the folder of each name on the
 * way from the root to it was synced after the name was made. The calls that it returns do what the real calls do.
 */
export class SyncedDisk {
  /** What happened, in order: `content`, `link <key>`, `names in <folder>`. A sync is in it once it has ended. */
  readonly order: string[] = []
  readonly #contents = new Set<number>()
  readonly #names = new Set<string>()

  constructor(
    readonly root: string,
    readonly realCallsOf: (path: string) => Promise<NameCalls> = nameCallsOf,
  ) {}

  readonly callsOf = async (folder: string): Promise<NameCalls> => {
    const real = await this.realCallsOf(folder)
    return {
      ...real,
      link: async (draft, path) => {
        await real.link(draft, path)
        this.order.push(`link ${relative(this.root, path)}`)
      },
      sync: async (file) => {
        const { ino } = fstatSync(file)
        const at = [folder, ...this.#above(folder)].find((one) => statSync(one).ino === ino)
        // A sync makes durable the names that exist when it begins.
        const names = at === undefined ? [] : readdirSync(at).map((name) => join(at, name))
        await real.sync(file)
        for (const name of names) this.#names.add(name)
        if (at === undefined) this.#contents.add(ino)
        this.order.push(at === undefined ? 'content' : `names in /${relative(this.root, at)}`)
      },
    }
  }

  survives(path: string): boolean {
    const folders = this.#above(path).filter((one) => one !== this.root)
    return this.#contents.has(statSync(path).ino) && [path, ...folders].every((one) => this.#names.has(one))
  }

  /** Returns the folders that a path is in, up to the root. */
  #above(path: string): string[] {
    return path === this.root ? [] : [dirname(path), ...this.#above(dirname(path))]
  }
}
