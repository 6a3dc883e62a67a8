import { AuditError } from '../../base/errors.js'
import { isChainId } from '../../chain/uuid.js'
import type { IndexedMirror, MirrorCodec } from '../../ports/mirror.js'

/** Folders that are looked into, at most. */
const MAX_FOLDERS = 100
/** Milliseconds to look for the right folder. A slow server could otherwise take half a minute for each. */
const MAX_SEARCH = 15_000

/** Returns the error of a mirror without a chain. It names the right folder where the URL is too deep or too high. */
export async function noChainIn(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<AuditError> {
  const url = await mirrorNear(store, codec, signal)
  return new AuditError('nothing_to_verify', `there is no chain in the mirror ${store.url}`, {
    advice: url === undefined ? { code: 'check_mirror' } : { code: 'give_mirror_folder', url },
  })
}

/**
 * Returns the URL of the mirror that lies above or below the URL of `store`, which has no chain: somebody gave its folder
 * `audit`, the folder of one chain, or a folder above it. Undefined where none is found.
 */
export async function mirrorNear(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<string | undefined> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(MAX_SEARCH)])
  try {
    return (await mirrorAbove(store, codec, within)) ?? (await mirrorBelow(store, codec, within))
  } catch {
    // The search only improves a hint.
    signal.throwIfAborted()
    return undefined
  }
}

async function mirrorAbove(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [, found, domainId] =
    /^(s3:\/\/.+|file:\/\/.*?)\/audit(?:\/([0-9a-f-]{36}))?\/?$/.exec(store.url) ?? []
  if (found === undefined) return undefined
  const above = found === 'file://' ? 'file:///' : found
  if (domainId === undefined) return (await store.folders('', signal)).some(isChainId) ? above : undefined
  for await (const { key } of store.list('', signal))
    if (codec.hasRowForm(`${codec.prefix(domainId)}${key}`)) return above
  return undefined
}

/** Looks one and two folders below. */
async function mirrorBelow(
  store: IndexedMirror,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<string | undefined> {
  const below = (await store.folders('', signal)).slice(0, MAX_FOLDERS)
  for (const depth of [1, 2]) {
    const paths = depth === 1 ? below : await foldersIn(below, store, signal)
    for (const path of paths) {
      const chains = await store.folders(`${path}/${codec.prefix()}`, signal)
      const url = chains.some(isChainId) ? store.urlOf(path) : undefined
      if (url !== undefined) return url
    }
  }
  return undefined
}

async function foldersIn(
  paths: readonly string[],
  store: IndexedMirror,
  signal: AbortSignal,
): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    if (found.length >= MAX_FOLDERS) break
    const folders = await store.folders(`${path}/`, signal)
    found.push(...folders.map((name) => `${path}/${name}`))
  }
  return found.slice(0, MAX_FOLDERS)
}
