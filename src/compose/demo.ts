import type { HostileEdit } from '../repo/demo/hostile-edit.js'
import type { Context } from './context.js'

/** Edits one row of the chain as a hostile administrator would. For the demo only. */
export async function makeHostileEdit(context: Context, domainId: string): Promise<HostileEdit> {
  const { editAsHostileAdmin } = await import('../repo/demo/hostile-edit.js')
  return editAsHostileAdmin(await context.database(), domainId)
}
