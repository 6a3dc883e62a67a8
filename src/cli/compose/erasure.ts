import type { ErasurePorts } from '../../erasure/erase-identity.js'
import type { RemainingReferences } from '../../ports.js'
import type { Context } from '../context.js'

export async function erasureOf(context: Context): Promise<ErasurePorts> {
  const { postgresErasureStore } = await import('../../repo/erase.js')
  return {
    store: postgresErasureStore(await context.database()),
    pepper: await context.pepper(),
    remaining: NOTHING_REMAINING,
  }
}

/** Nothing but the log keeps anything of a person yet. Whatever comes to (API keys, relation tuples) is to be told here. */
const NOTHING_REMAINING: RemainingReferences = { of: async () => [] }
