import { randomBytes } from 'node:crypto'
import type { ProvisionDeps } from '../append/provision-pepper.js'
import { AuditError } from '../base/errors.js'
import type { CursorKey, Pepper } from '../ports/pepper.js'
import type { Context } from './context.js'
import { openEntryReader } from './query.js'

/**
 * Opens the pepper that was named, or the key file of the home. Rejects with `pepper_not_configured` where an external
 * database comes without a pepper. `mint`: whether a home without rows may get a new key file; false for what only reads,
 * and before a restore, whose rows need the old one. `isOffline`: whether no database may be opened.
 */
export async function openPepper(
  context: Context,
  { mint, isOffline = false }: { mint: boolean; isOffline?: boolean } = { mint: true },
): Promise<Pepper & CursorKey> {
  const url = context.settings.pepper
  if (url !== undefined) {
    const { openPepperSource } = await import('../pepper/open-pepper.js')
    return openPepperSource(url)
  }
  if (!context.embedded) {
    throw new AuditError('pepper_not_configured', 'an external database needs a pepper source', {
      advice: { code: 'name_pepper' },
    })
  }
  const [{ keyFileOfHome }, { KeyFilePepper }] = await Promise.all([
    import('../pepper/home-key-file.js'),
    import('../pepper/key-file.js'),
  ])
  return new KeyFilePepper(
    await keyFileOfHome(context.home, { hasRows: async () => !isOffline && (await hasRows(context)), mint }),
  )
}

/**
 * Opens the pepper that was named, or the key file of the home, without a database: nothing checks that a chain was begun with
 * it, and no key is made. Rejects with `pepper_not_configured`, and with `pepper_unavailable` for a home without a key file.
 */
export async function openPepperAlone(context: Context): Promise<Pepper> {
  if (context.settings.pepper !== undefined || !context.embedded) return openPepper(context, { mint: false })
  const [{ keyFileOfHome }, { KeyFilePepper }] = await Promise.all([
    import('../pepper/home-key-file.js'),
    import('../pepper/key-file.js'),
  ])
  return new KeyFilePepper(await keyFileOfHome(context.home, { hasRows: async () => false, mint: false }))
}

async function hasRows(context: Context): Promise<boolean> {
  const { hasEntries } = await import('../repo/query/has-entries.js')
  return hasEntries(await context.database())
}

/** Returns the key that list cursors are signed with. It is looked up on first use: most lists need none. */
export function cursorKeyOf(context: Context): CursorKey {
  const mint = context.mayCreateHome
  return {
    cursorKey: async () => {
      const { cursorKeyOf: fromEnvironment } = await import('../pepper/key-file.js')
      const ofPepper: CursorKey = { cursorKey: async () => (await openPepper(context, { mint })).cursorKey() }
      return fromEnvironment(process.env, ofPepper).cursorKey()
    },
  }
}

/** `from`: the URL of the source that the chains were begun with. Throws `usage` before a database is opened. */
export async function openProvisionDeps(context: Context, from: string | undefined): Promise<ProvisionDeps> {
  const { openPepperSource, openPepperVault } = await import('../pepper/open-pepper.js')
  const vault = openPepperVault(context.settings.pepper)
  const source = from === undefined ? undefined : openPepperSource(from)
  return { vault, from: source, reader: await openEntryReader(context), random: () => randomBytes(32) }
}
