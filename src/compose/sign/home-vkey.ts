import type { Context } from '../context.js'

/**
 * Returns the vkey of the platform chain that `log.vkey` in the home holds, without a newline; undefined where the home has
 * no such file. Opens no database. Rejects with `log_key_unavailable` for a file that is damaged or cannot be read.
 */
export async function readHomeVkey(context: Context): Promise<string | undefined> {
  const [{ readVkeyFile }, { vkeyText }] = await Promise.all([
    import('../../local/home-vkey.js'),
    import('../../chain/note/vkey.js'),
  ])
  const key = await readVkeyFile(context.home)
  return key && vkeyText(key)
}
