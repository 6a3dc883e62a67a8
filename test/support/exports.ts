import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { bundleFiles } from '../../src/bundle/bundle-files.js'
import { type Exported, exportChain } from '../../src/bundle/export-chain.js'
import { OutputFile } from '../../src/bundle/output-file.js'
import type { ExportRequest } from '../../src/ports/bundle.js'
import { postgresExport } from '../../src/repo/bundle/export-snapshot.js'
import { Database } from '../../src/repo/session/database.js'

export const TOOL = 'audit-chain/0.1.0'

interface Options {
  readonly path?: string
  readonly force?: boolean
  readonly signal?: AbortSignal
}

/** Exports from any database into a directory, in this process. */
export class Exports {
  readonly dir = mkdtempSync(join(tmpdir(), 'exports-'))
  #count = 0

  /** Returns the path of a new file. */
  path(): string {
    this.#count += 1
    return join(this.dir, `${this.#count}.tar`)
  }

  async write(
    url: string,
    request: Partial<ExportRequest> & { domainId: string },
    { path = this.path(), force = false, signal = new AbortController().signal }: Options = {},
  ): Promise<Exported & { readonly path: string }> {
    const database = new Database(url)
    try {
      const parts = {
        store: postgresExport(database),
        output: new OutputFile(path, force),
        hasher: nodeHasher,
        files: bundleFiles(),
        tool: TOOL,
      }
      const exported = await exportChain({ filter: {}, ...request }, parts, () => undefined, signal)
      return { ...exported, path }
    } finally {
      await database.close()
    }
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}
