import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OpenMirrors } from '../mirror/open-mirrors.js'
import type { IndexedMirror, MirrorCodec } from '../ports/mirror.js'
import type { Context } from './context.js'

/**
 * Returns the URL of the mirror of the platform chain and of Domains that name none: the URL that was given, or a
 * directory of the home. Returns undefined where an external database comes without a mirror.
 */
export function defaultMirrorUrl(context: Context): string | undefined {
  const { mirror } = context.settings
  if (mirror !== undefined) return mirror
  return context.embedded ? pathToFileURL(mirrorOfHome(context)).href : undefined
}

function mirrorOfHome(context: Context): string {
  return join(context.home, 'mirror')
}

const opened = new WeakMap<Context, Promise<OpenMirrors<IndexedMirror>>>()

/** Is called once for each store that does not enforce that objects are only created. */
export type OnUnenforced = (url: string) => void

/**
 * Returns the mirror at a URL, the same store for each call of a run. It is closed with the context. The first call of a
 * run sets `onUnenforced`.
 */
export async function openMirror(
  context: Context,
  url: string,
  onUnenforced?: OnUnenforced,
): Promise<IndexedMirror> {
  const mirrors = opened.get(context) ?? mirrorsOf(context, onUnenforced)
  opened.set(context, mirrors)
  return (await mirrors).at(url)
}

async function mirrorsOf(context: Context, onUnenforced?: OnUnenforced): Promise<OpenMirrors<IndexedMirror>> {
  const { OpenMirrors } = await import('../mirror/open-mirrors.js')
  const mirrors = new OpenMirrors((url) => openStore(context, url, onUnenforced))
  context.onClose(() => mirrors.close())
  return mirrors
}

async function openStore(context: Context, url: string, onUnenforced?: OnUnenforced): Promise<IndexedMirror> {
  const { openMirror: open } = await import('../mirror/open.js')
  return open(url, process.env, { onUnenforced, mayBeMissing: await mayBeMissing(context, url) })
}

/**
 * The directory of the home is created by the first run of the archiver. Any other missing directory is mistyped, or not
 * mounted; and where there is no home, the mirror was not given.
 */
async function mayBeMissing(context: Context, url: string): Promise<boolean> {
  const { mirror } = context.settings
  if (!context.embedded || mirror !== undefined || url !== defaultMirrorUrl(context)) return false
  const { hasDatabase } = await import('../repo/embedded/embedded.js')
  return context.mayCreateHome || hasDatabase(context.home)
}

export async function mirrorCodec(): Promise<MirrorCodec> {
  const { mirrorCodec: codec } = await import('../mirror/object/codec.js')
  return codec
}
