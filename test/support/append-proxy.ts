import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What happens to the message that the proxy waits for. `lost`: the message never arrives. `unanswered`: the server
 * executes it, and the answer never arrives. In both cases the connection is closed on both sides. `held`: the message is
 * held until the server itself closes the connection.
 */
export type Fault = 'lost' | 'unanswered' | 'held'

const SOCKET = '.s.PGSQL.5432'

/** A proxy before a PostgreSQL on a Unix socket that breaks one connection at one chosen message. */
export class FaultProxy {
  readonly #target: string
  readonly #dir: string
  readonly #server: Server
  #pause: { marker: string; meanwhile: () => Promise<unknown> } | undefined
  #armed: { fault: Fault; marker: string; hit: () => void } | undefined
  readonly url: string

  private constructor(url: string, dir: string) {
    const parsed = new URL(url.replace('@/', '@localhost/'))
    this.#target = join(parsed.searchParams.get('host') ?? '', SOCKET)
    this.#dir = dir
    parsed.searchParams.set('host', dir)
    this.url = parsed.href.replace('@localhost/', '@/')
    this.#server = createServer((client) => this.#serve(client))
  }

  static async start(url: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(url, await mkdtemp(join(tmpdir(), 'apx-')))
    await new Promise<void>((resolve) => proxy.#server.listen(join(proxy.#dir, SOCKET), resolve))
    return proxy
  }

  /** Breaks the connection at the next message that holds `marker`. Resolves when that message has come. */
  breakAt(marker: string, fault: Fault): Promise<void> {
    return new Promise((hit) => {
      this.#armed = { fault, marker, hit }
    })
  }

  /** Runs `meanwhile` before the next message that holds `marker` goes on to the server. */
  pauseAt(marker: string, meanwhile: () => Promise<unknown>): void {
    this.#pause = { marker, meanwhile }
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
    await rm(this.#dir, { recursive: true, force: true })
  }

  #serve(client: Socket): void {
    const server = connect(this.#target)
    const drop = () => {
      client.destroy()
      server.destroy()
    }
    let mute = false
    for (const socket of [client, server]) socket.on('error', drop).on('close', drop)
    client.on('data', (chunk) => {
      const fault = this.#faultOf(chunk)
      if (fault === 'lost') drop()
      mute ||= fault === 'unanswered'
      if (fault === 'lost' || fault === 'held') return
      const paused = this.#pausedBy(chunk)
      if (paused === undefined) server.write(chunk)
      // A failure of the test itself breaks the connection, and the write under test then fails.
      else paused.then(() => server.write(chunk), drop)
    })
    server.on('data', (chunk) => {
      if (mute) drop()
      else client.write(chunk)
    })
  }

  #pausedBy(chunk: Buffer): Promise<unknown> | undefined {
    if (this.#pause === undefined || !chunk.includes(this.#pause.marker)) return undefined
    const { meanwhile } = this.#pause
    this.#pause = undefined
    return meanwhile()
  }

  #faultOf(chunk: Buffer): Fault | undefined {
    if (this.#armed === undefined || !chunk.includes(this.#armed.marker)) return undefined
    const { fault, hit } = this.#armed
    this.#armed = undefined
    hit()
    return fault
  }
}
