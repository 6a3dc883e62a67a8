import type { SignerStore } from '../../ports/signer.js'
import type { Context } from '../context.js'

/** Opens the rows and indexes of the signer. */
export async function openSignerStore(context: Context): Promise<SignerStore> {
  const { postgresSignerStore } = await import('../../repo/signer/signer-store.js')
  return postgresSignerStore(await context.database())
}
