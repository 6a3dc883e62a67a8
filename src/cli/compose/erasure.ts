import type { ErasurePorts } from '../../erasure/erase-identity.js'
import type { HoldPorts } from '../../erasure/hold.js'
import type { RetentionPorts } from '../../erasure/retention.js'
import type { HoldStore, RemainingReferences, RetentionStore } from '../../ports.js'
import type { Context } from '../context.js'

export async function erasureOf(context: Context): Promise<ErasurePorts> {
  const { postgresErasureStore } = await import('../../repo/erase.js')
  return {
    store: postgresErasureStore(await context.database()),
    pepper: await context.pepper(),
    remaining: NOTHING_REMAINING,
  }
}

export async function holdsOf(context: Context): Promise<HoldPorts> {
  return { store: await holdStoreOf(context), pepper: await context.pepper() }
}

export async function holdStoreOf(context: Context): Promise<HoldStore> {
  const { postgresHoldStore } = await import('../../repo/holds.js')
  return postgresHoldStore(await context.database())
}

export async function retentionOf(context: Context): Promise<RetentionPorts> {
  return { store: await retentionStoreOf(context), pepper: await context.pepper() }
}

export async function retentionStoreOf(context: Context): Promise<RetentionStore> {
  const [{ postgresRetentionStore }, { DEFAULT_POLICY }] = await Promise.all([
    import('../../repo/retention.js'),
    import('../../erasure/retention.js'),
  ])
  return postgresRetentionStore(await context.database(), DEFAULT_POLICY)
}

/** Nothing but the log keeps anything of a person yet. Whatever comes to (API keys, relation tuples) is to be told here. */
const NOTHING_REMAINING: RemainingReferences = { of: async () => [] }
