interface Version {
  readonly data: unknown
  readonly created: string
  deleted: string
  destroyed: boolean
}

interface Answer {
  readonly status: number
  readonly body?: unknown
}

/** The secrets of one mount of KV version 2, or of version 1, which has no versions and no check-and-set. */
export class KvStore {
  kvVersion: 1 | 2 = 2
  readonly #secrets = new Map<string, Version[]>()
  readonly #plain = new Map<string, unknown>()

  /** Returns whether the secret ever had a version, including deleted ones. */
  has(path: string): boolean {
    return this.#secrets.has(path)
  }

  answer(method: string, operation: string, path: string, body: unknown): Answer {
    if (this.kvVersion === 1) return this.#versionOne(method, `${operation}/${path}`, body)
    if (operation === 'data') return this.#data(method, path, body as WriteBody)
    if (operation === 'metadata' && method === 'DELETE') {
      this.#secrets.delete(path)
      return { status: 204 }
    }
    return this.#mark(operation, path, (body as { versions?: number[] }).versions ?? [])
  }

  #data(method: string, path: string, body: WriteBody): Answer {
    if (method === 'GET') return this.#read(path)
    if (method === 'POST' || method === 'PUT') return this.#write(path, body)
    const last = this.#secrets.get(path)?.at(-1)
    if (last !== undefined && last.deleted === '') last.deleted = new Date().toISOString()
    return { status: 204 }
  }

  #read(path: string): Answer {
    const versions = this.#secrets.get(path)
    const last = versions?.at(-1)
    if (versions === undefined || last === undefined) return { status: 404, body: { errors: [] } }
    const isGone = last.destroyed || last.deleted !== ''
    const data = { data: isGone ? null : last.data, metadata: metadata(last, versions.length) }
    return { status: isGone ? 404 : 200, body: { data } }
  }

  #write(path: string, { options, data }: WriteBody): Answer {
    const versions = this.#secrets.get(path) ?? []
    if (options?.cas !== undefined && options.cas !== versions.length) {
      return {
        status: 400,
        body: { errors: ['check-and-set parameter did not match the current version'] },
      }
    }
    const version = { data, created: new Date().toISOString(), deleted: '', destroyed: false }
    versions.push(version)
    this.#secrets.set(path, versions)
    return { status: 200, body: { data: metadata(version, versions.length) } }
  }

  #mark(operation: string, path: string, numbers: readonly number[]): Answer {
    for (const number of numbers) {
      const version = this.#secrets.get(path)?.[number - 1]
      if (version === undefined) continue
      if (operation === 'delete') version.deleted = new Date().toISOString()
      if (operation === 'undelete') version.deleted = ''
      if (operation === 'destroy') version.destroyed = true
    }
    return { status: 204 }
  }

  #versionOne(method: string, path: string, body: unknown): Answer {
    if (method !== 'GET') {
      this.#plain.set(path, body)
      return { status: 204 }
    }
    const data = this.#plain.get(path)
    return data === undefined ? { status: 404, body: { errors: [] } } : { status: 200, body: { data } }
  }
}

interface WriteBody {
  readonly options?: { readonly cas?: number }
  readonly data?: unknown
}

function metadata({ created, deleted, destroyed }: Version, version: number) {
  return { created_time: created, custom_metadata: null, deletion_time: deleted, destroyed, version }
}
