import pg from 'pg'
import { AuditError } from '../../base/errors.js'
import { describeHolders, type LockHolder, type LockWait, lockWait } from './lock-holders.js'

/** The SQLSTATE of a lock that was not granted within lock_timeout. */
export const LOCK_NOT_AVAILABLE = '55P03'

/** A transaction waited for a lock as long as it may, and was rolled back. */
export class LockTimeout extends AuditError {
  /** Those before it in the queue, as far as they were seen: those that hold the lock, and those that wait and may hold another. */
  readonly queue: readonly LockHolder[]

  /** `hasMoved`: others held the lock one after the other, so that the transaction was in a queue that moves. */
  constructor(
    message: string,
    readonly hasMoved: boolean,
    options: {
      readonly cause: unknown
      readonly holders: readonly LockHolder[]
      readonly waiters: readonly LockHolder[]
    },
  ) {
    const { cause, holders, waiters } = options
    const pids = holders.map(({ pid }) => pid)
    super('lock_timeout', message, { cause, advice: { code: 'end_lock_holder', pids } })
    this.queue = [...holders, ...waiters]
  }
}

/** A transaction counts as the cause of a whole wait if it was first seen in the first part of it, and last seen in the last. */
const PART = 0.3

/** A holder and when it was seen, by the monotonic clock. */
interface Sighting {
  readonly holder: LockHolder
  readonly first: number
  readonly last: number
}

/** Looks at a wait this many times. The first look is after this part of the lock timeout, so a short wait costs nothing. */
const LOOKS = 10

/**
 * Watches for whom a transaction waits, from a connection of its own that it opens only once the transaction is slow. A
 * wait can be named only while it lasts: afterwards PostgreSQL knows no more who blocked whom.
 */
export class LockWatch {
  readonly #connect: () => Promise<pg.Client>
  readonly #timeout: number
  /** By transaction. */
  readonly #seen = new Map<string, Sighting>()
  #client: Promise<pg.Client> | undefined
  #timer: NodeJS.Timeout | undefined
  #relation: string | null = null
  /** Those that the last look saw waiting. */
  #waiters: readonly LockHolder[] = []
  #failure = ''
  #isStopped = false

  /** `timeout`: milliseconds that a statement waits for a lock. */
  constructor(connect: () => Promise<pg.Client>, timeout: number) {
    this.#connect = connect
    this.#timeout = timeout
  }

  /** Begins to watch the backend `pid`, which is the server's, and not the one that a pooler names. */
  start(pid: number): void {
    this.#timer = setTimeout(() => void this.#look(pid), this.#timeout / LOOKS)
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    void this.#client?.then((client) => client.end()).catch(() => undefined)
  }

  /** Returns the error of a transaction that waited too long for a lock; undefined for any other error. */
  timedOut(error: unknown): LockTimeout | undefined {
    const cause = serverError(error)
    if (cause?.code !== LOCK_NOT_AVAILABLE) return undefined
    const now = performance.now()
    const sightings = [...this.#seen.values()].filter(({ last }) => now - last <= this.#timeout * PART)
    const culprits = sightings.filter(({ first }) => now - first >= this.#timeout * (1 - PART))
    const hasMoved = this.#seen.size > 0 && culprits.length === 0
    const relation = this.#relation ?? /relation "([^"]+)"/.exec(cause.where ?? '')?.[1]
    const what = relation === undefined ? 'a lock' : `a lock on ${relation}`
    const named = (culprits.length > 0 ? culprits : sightings).map(({ holder }) => holder)
    const message = `waited ${this.#timeout / 1000} s for ${what} and did not get it: ${this.#holding(named)}`
    return new LockTimeout(message, hasMoved, { cause: error, holders: named, waiters: this.#waiters })
  }

  #holding(holders: readonly LockHolder[]): string {
    if (holders.length > 0) return `held by ${describeHolders(holders)}`
    return `who holds it could not be seen${this.#failure === '' ? '' : ` (${this.#failure})`}`
  }

  async #look(pid: number): Promise<void> {
    try {
      this.#client ??= this.#connect()
      this.#see(await lockWait(await this.#client, pid))
    } catch (error) {
      this.#client = undefined
      this.#failure = error instanceof Error ? error.message : String(error)
    }
    if (!this.#isStopped) this.start(pid)
  }

  #see({ relation, holders, waiters }: LockWait): void {
    this.#waiters = waiters
    const last = performance.now()
    if (holders.length > 0) this.#relation = relation
    for (const holder of holders) {
      const first = this.#seen.get(holder.transaction)?.first ?? last
      this.#seen.set(holder.transaction, { holder, first, last })
    }
  }
}

function serverError(error: unknown): pg.DatabaseError | undefined {
  const cause = error instanceof AuditError ? error.cause : error
  return cause instanceof pg.DatabaseError ? cause : undefined
}
