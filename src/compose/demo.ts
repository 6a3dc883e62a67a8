import type { HostileEdit } from '../repo/demo/hostile-edit.js'
import type { Context } from './context.js'

/** Edits one row of the chain as a hostile administrator would. For the demo only. */
export async function makeHostileEdit(context: Context, domainId: string): Promise<HostileEdit> {
  const { editAsHostileAdmin } = await import('../repo/demo/hostile-edit.js')
  return editAsHostileAdmin(await context.database(), domainId)
}

/** Hashes the chain anew from a row on, as a hostile administrator would. For the demo only. */
export async function rehashHostilely(
  context: Context,
  domainId: string,
  fromSeq: number,
): Promise<HostileEdit> {
  const { rehashAsHostileAdmin } = await import('../repo/demo/hostile-edit.js')
  return rehashAsHostileAdmin(await context.database(), domainId, fromSeq)
}
