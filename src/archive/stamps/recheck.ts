import { AuditError, isRetryable } from '../../base/errors.js'
import { Numbers } from '../../chain/numbers.js'
import { type BackfillDeps, type Backfilled, backfillChain } from '../backfill.js'
import type { ArchiverDeps } from '../drain-pass.js'
import type { ClaimingChain, Mirror } from '../mirrors.js'

export interface RecheckDeps
  extends Pick<
      ArchiverDeps,
      'queue' | 'codec' | 'hasher' | 'mirrors' | 'assertOurs' | 'assertHeld' | 'onFindings'
    >,
    Pick<BackfillDeps, 'ledger'> {
  /** Receives why the keys of a chain were not compared with its stamps. */
  readonly onUncompared: (uncompared: Uncompared) => void
}

/** `denied`: the mirror may not be listed. `filled`: a backfill uploads stamped rows of the chain. */
export interface Uncompared {
  readonly domainId: string
  /** The URL of the mirror. */
  readonly url: string
  readonly reason: 'denied' | 'filled'
}

/**
 * Compares all rows of a chain with their stamps, and the stamps with the keys of the mirror, and reads no hint. Corrects the
 * hints of the queue, so that a row which they hid is archived by the next pass. A stamped row without an object is a finding,
 * and is uploaded again: its stamp was forged, or the object was lost. Resolves with what that came to, and with undefined where no
 * object is missing, where the place is not the mirror, and where the keys were not compared.
 */
export async function recheckChain(
  chain: ClaimingChain,
  deps: RecheckDeps,
  signal: AbortSignal,
): Promise<Backfilled | undefined> {
  // All stamps are read before the mirror is listed. So the listing has the object of each.
  const stamped = await compareStamps(chain.domainId, deps, signal)
  if (stamped.length === 0 || deps.mirrors.urlOf(chain) === undefined) return undefined
  const mirror = await deps.mirrors.of(chain)
  const missing = await missingOf(chain.domainId, stamped, mirror, deps, signal)
  if (missing === undefined || !(await isOurs(mirror, deps, signal))) return undefined
  // A backfill claims the chain before it begins a mirror. So after the marker was seen, the claim is there or the objects are.
  if (await deps.queue.isFilled(chain.domainId)) {
    deps.onUncompared({ domainId: chain.domainId, url: mirror.url, reason: 'filled' })
    return undefined
  }
  await deps.assertHeld(chain.domainId, mirror, signal)
  const request = { domainId: chain.domainId, ...missing, dryRun: false }
  return backfillChain(request, { ...deps, hasBegun: () => false, onProgress: () => undefined }, signal)
}

/** Returns the bounds of the ranges of stamped rows: first, last, first, last. */
async function compareStamps(
  domainId: string,
  { queue }: RecheckDeps,
  signal: AbortSignal,
): Promise<ArrayLike<number>> {
  const stamped = new Numbers()
  let firstUnstamped: number | undefined
  let last = 0
  for await (const ranges of queue.ranges(domainId, signal)) {
    for (const { from, to, isStamped } of ranges) {
      last = to
      if (!isStamped) firstUnstamped ??= from
      if (!isStamped) continue
      stamped.push(from)
      stamped.push(to)
    }
  }
  await queue.correct(domainId, firstUnstamped === undefined ? last : firstUnstamped - 1)
  return stamped.all()
}

/** Returns whether a place is the mirror. The judge of the places reports another place. */
async function isOurs(mirror: Mirror, { assertOurs }: RecheckDeps, signal: AbortSignal): Promise<boolean> {
  try {
    await assertOurs(mirror, signal)
    return true
  } catch (error) {
    if (isRetryable(error)) return false
    throw error
  }
}

/** Returns the first and the last stamped row whose key a listing lacks. */
async function missingOf(
  domainId: string,
  stamped: ArrayLike<number>,
  mirror: Mirror,
  deps: RecheckDeps,
  signal: AbortSignal,
): Promise<{ fromSeq: number; toSeq: number } | undefined> {
  const keys = new MissingKeys(stamped)
  try {
    for await (const { key } of mirror.store.list(deps.codec.prefix(domainId), signal)) {
      const named = deps.codec.parseKey(key)
      if (named?.domainId === domainId) keys.see(named.seq)
    }
  } catch (error) {
    // The archiver's credentials may allow writes only.
    if (error instanceof AuditError && error.code === 'mirror_permission_denied') {
      deps.onUncompared({ domainId, url: mirror.url, reason: 'denied' })
      return undefined
    }
    if (!(await isOurs(mirror, deps, signal))) return undefined
    throw error
  }
  return keys.finish()
}

/** Compares ranges of seqs with keys that are seen in ascending order. */
class MissingKeys {
  #at = 0
  /** The first seq of the ranges that was not passed yet. */
  #want: number
  #missing: { fromSeq: number; toSeq: number } | undefined

  constructor(readonly bounds: ArrayLike<number>) {
    this.#want = bounds[0] ?? Number.POSITIVE_INFINITY
  }

  see(seq: number): void {
    this.#missTo(seq)
    if (this.#want === seq) this.#pass(seq)
  }

  finish(): { fromSeq: number; toSeq: number } | undefined {
    this.#missTo(Number.POSITIVE_INFINITY)
    return this.#missing
  }

  /** Passes the seqs below `seq`, which have no key. */
  #missTo(seq: number): void {
    while (this.#want < seq) {
      const toSeq = Math.min(this.bounds[this.#at + 1] ?? this.#want, seq - 1)
      this.#missing = { fromSeq: this.#missing?.fromSeq ?? this.#want, toSeq }
      this.#pass(toSeq)
    }
  }

  #pass(seq: number): void {
    this.#want = seq + 1
    if (this.#want <= (this.bounds[this.#at + 1] ?? 0)) return
    this.#at += 2
    this.#want = this.bounds[this.#at] ?? Number.POSITIVE_INFINITY
  }
}
