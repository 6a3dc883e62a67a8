import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AuditError } from '../base/errors.js'
import type { OpenMirrors } from '../mirror/open-mirrors.js'
import type { IndexedMirror, MirrorCodec } from '../ports/mirror.js'
import type { Context } from './context.js'

/**
 * Returns the URL of the mirror of the platform chain and of Domains that name none: the URL that was given, or a
 * directory of the home. Throws `usage` where an external database comes without a mirror.
 */
export function defaultMirrorUrl(context: Context): string {
  const { mirror } = context.settings
  if (mirror !== undefined) return mirror
  if (context.embedded) return pathToFileURL(mirrorOfHome(context)).href
  throw new AuditError('usage', 'an external database needs a mirror', { advice: { code: 'name_mirror' } })
}

function mirrorOfHome(context: Context): string {
  return join(context.home, 'mirror')
}

const opened = new WeakMap<Context, Promise<OpenMirrors<IndexedMirror>>>()

/** Returns the mirror at a URL, the same store for each call of a run. It is closed with the context. */
export async function openMirror(
  context: Context,
  url: string = defaultMirrorUrl(context),
): Promise<IndexedMirror> {
  const mirrors = opened.get(context) ?? mirrorsOf(context)
  opened.set(context, mirrors)
  return (await mirrors).at(url)
}

async function mirrorsOf(context: Context): Promise<OpenMirrors<IndexedMirror>> {
  const { OpenMirrors } = await import('../mirror/open-mirrors.js')
  const mirrors = new OpenMirrors((url) => openStore(context, url))
  context.onClose(() => mirrors.close())
  return mirrors
}

async function openStore(context: Context, url: string): Promise<IndexedMirror> {
  const { openMirror: open } = await import('../mirror/open.js')
  // Only the directory of the home is created. Any other missing directory is mistyped, or not mounted.
  const isOfHome =
    context.embedded && context.settings.mirror === undefined && url === defaultMirrorUrl(context)
  if (isOfHome) await mkdir(mirrorOfHome(context), { recursive: true, mode: 0o700 })
  return open(url)
}

export async function mirrorCodec(): Promise<MirrorCodec> {
  const { mirrorCodec: codec } = await import('../mirror/object/codec.js')
  return codec
}
