import type { ErasurePorts } from '../erasure/erase-identity.js'
import type { HoldPorts } from '../erasure/hold.js'
import type { RetentionPorts } from '../erasure/retention.js'
import type { IdentifyPorts } from '../identify/identify.js'
import type { RemainingReferences } from '../ports/erasure.js'
import type { HoldStore } from '../ports/hold.js'
import type { RetentionStore } from '../ports/retention.js'
import { openKeyStore, openRelationStore } from './access.js'
import type { Context } from './context.js'
import { openPepper } from './pepper.js'

export async function openErasurePorts(context: Context): Promise<ErasurePorts> {
  const { postgresErasureStore } = await import('../repo/erasure/erase.js')
  return {
    store: postgresErasureStore(await context.database()),
    pepper: await openPepper(context),
    remaining: remainingOf(context),
  }
}

/** A person is identified with the pepper that the chains have: no key is made. */
export async function openIdentifyPorts(context: Context): Promise<IdentifyPorts> {
  const { postgresIdentifyStore } = await import('../repo/identify/reveal.js')
  return {
    store: postgresIdentifyStore(await context.database()),
    pepper: await openPepper(context, { mint: false }),
  }
}

/** Returns the reason that is stored for a row audit.identity-reveal, if there is one and this role may read it. */
export async function revealReasonOf(
  context: Context,
  domainId: string,
  seq: number,
): Promise<string | undefined> {
  const { revealReason } = await import('../repo/identify/reveal-reason.js')
  return (await context.database()).read((client) => revealReason(client, domainId, seq))
}

export async function openHoldPorts(context: Context): Promise<HoldPorts> {
  return { store: await openHoldStore(context), pepper: await openPepper(context) }
}

export async function openHoldStore(context: Context): Promise<HoldStore> {
  const { postgresHoldStore } = await import('../repo/erasure/holds.js')
  return postgresHoldStore(await context.database())
}

export async function openRetentionPorts(context: Context): Promise<RetentionPorts> {
  return { store: await openRetentionStore(context), pepper: await openPepper(context) }
}

export async function openRetentionStore(context: Context): Promise<RetentionStore> {
  const [{ postgresRetentionStore }, { DEFAULT_POLICY }] = await Promise.all([
    import('../repo/erasure/retention.js'),
    import('../erasure/retention.js'),
  ])
  return postgresRetentionStore(await context.database(), DEFAULT_POLICY)
}

/** Finds the API keys and relation tuples that still name an erased person. Add every future store of such references here. */
function remainingOf(context: Context): RemainingReferences {
  return {
    of: async ({ domainId, pseudonym: wanted, identityId }) => {
      const [{ accessRemaining }, { pseudonym }, keys, relations, pepper] = await Promise.all([
        import('../access/remaining.js'),
        import('../chain/hash.js'),
        openKeyStore(context),
        openRelationStore(context),
        openPepper(context),
      ])
      const secret = await pepper.pepperOf(domainId)
      return accessRemaining(
        { keys, relations },
        domainId,
        (id) => id === identityId || pseudonym(secret, id) === wanted,
      )
    },
  }
}
