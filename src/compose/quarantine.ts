import type { QuarantineStore } from '../ports/quarantine.js'
import type { Context } from './context.js'

export async function openQuarantineStore(context: Context): Promise<QuarantineStore> {
  const { postgresQuarantine } = await import('../repo/quarantine/quarantine.js')
  return postgresQuarantine(await context.database())
}
