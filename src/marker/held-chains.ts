import { AuditError } from '../base/errors.js'
import type { MarkerRegistry } from '../ports/marker.js'
import type { MirrorCodec } from '../ports/mirror.js'
import { holdsChain } from '../verify/mirror/mapped-chains.js'
import { holdsAnother } from './another-log.js'
import type { MarkedMirror } from './judge-marker.js'
import { orDenied } from './or-denied.js'

export interface HeldChainsDeps {
  readonly registry: MarkerRegistry
  readonly codec: MirrorCodec
}

/**
 * Decides for the archiver whether a mirror holds a chain that was archived before. All mirrors of a database have one id, so
 * the marker does not show that a chain belongs to another of them, as when the map was forgotten.
 */
export class HeldChains {
  readonly #deps: HeldChainsDeps
  /** The chains of this run that are known to be in the mirror they are uploaded to. */
  readonly #known = new Set<string>()

  constructor(deps: HeldChainsDeps) {
    this.#deps = deps
  }

  /**
   * Rejects with `mirror_mismatch` where a chain has archived rows and the mirror holds no object of it, and where it holds
   * another chain of this id. One object is enough. A store that may not be read and listed is believed.
   */
  async assertHeld(
    domainId: string,
    mirror: Omit<MarkedMirror, 'serves'>,
    signal: AbortSignal,
  ): Promise<void> {
    const id = `${domainId} ${mirror.url}`
    if (this.#known.has(id)) return
    const { registry, codec } = this.#deps
    const stamped = await registry.lastStamped(domainId)
    const isAnother = await orDenied(holdsAnother(domainId, mirror.store, this.#deps, signal))
    if (isAnother === true) throw another(domainId, mirror)
    if (stamped !== undefined && !(await holds(domainId, stamped.seq, mirror, codec, signal)))
      throw notHeld(domainId, stamped.rows, mirror)
    this.#known.add(id)
  }
}

async function holds(
  domainId: string,
  seq: number,
  { store }: Pick<MarkedMirror, 'store'>,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<boolean> {
  const object = await orDenied(store.get(codec.key(domainId, seq), 1, signal))
  if (object !== undefined && !(object instanceof AuditError)) return true
  const listed = await orDenied(holdsChain(store, codec, domainId, signal))
  return listed instanceof AuditError || listed
}

function another(domainId: string, { store, given }: Pick<MarkedMirror, 'store' | 'given'>): AuditError {
  const message = `mirror ${store.url} holds another chain ${domainId}: its first row is not that of this database`
  return new AuditError('mirror_mismatch', message, {
    advice: { code: 'find_chain_mirror', domainId, given },
  })
}

function notHeld(
  domainId: string,
  rows: number,
  { store, given }: Pick<MarkedMirror, 'store' | 'given'>,
): AuditError {
  const message = `mirror ${store.url} holds none of the ${rows} archived rows of chain ${domainId}`
  return new AuditError('mirror_mismatch', message, {
    advice: { code: 'find_chain_mirror', domainId, given },
  })
}
