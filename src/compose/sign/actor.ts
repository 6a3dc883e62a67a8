import { AuditError } from '../../base/errors.js'
import { nodePseudonym } from '../../base/node-hasher.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../context.js'
import { openPepper } from '../pepper.js'

/**
 * Returns the pseudonym of the actor on the platform chain, for the rows that a person orders; undefined where no pepper is
 * configured, because a process that signs needs none. Rejects with `pepper_unavailable`.
 */
export async function actorPseudonym(context: Context): Promise<string | undefined> {
  try {
    const pepper = await openPepper(context, { mint: false })
    return nodePseudonym(await pepper.pepperOf(PLATFORM_ANCHOR), context.actor)
  } catch (error) {
    if (error instanceof AuditError && error.code === 'pepper_not_configured') return undefined
    throw error
  }
}
