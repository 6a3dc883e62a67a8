import { randomBytes } from 'node:crypto'
import type { ProvisionDeps } from '../append/provision-pepper.js'
import type { Context } from './context.js'
import { entriesOf } from './query.js'

/** `from`: the URL of the source that the chains were begun with. */
export async function provisionDepsOf(context: Context, from: string | undefined): Promise<ProvisionDeps> {
  const { openPepper, openPepperVault } = await import('../pepper/open-pepper.js')
  // Before the database is opened: whoever names no vault is told so at once.
  const vault = openPepperVault(context.pepperUrl)
  const source = from === undefined ? undefined : openPepper(from)
  return { vault, from: source, reader: await entriesOf(context), random: () => randomBytes(32) }
}
