import type { QuarantineStore } from '../ports/quarantine.js'
import type { AcknowledgePorts } from '../quarantine/acknowledge.js'
import type { Context } from './context.js'
import { openPepper } from './pepper.js'

export async function openQuarantineStore(context: Context): Promise<QuarantineStore> {
  const { postgresQuarantine } = await import('../repo/quarantine/quarantine.js')
  return postgresQuarantine(await context.database())
}

export async function openAcknowledgePorts(context: Context): Promise<AcknowledgePorts> {
  const store = await openQuarantineStore(context)
  return { store, pepper: await openPepper(context), actor: context.actor }
}
