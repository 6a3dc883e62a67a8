import type { HeadsOf } from '../../ports/log/heads.js'
import type { HeadReader } from './head-reader.js'

/**
 * Returns what reads the signed heads of chains from one reader of all chains, which is opened again after `maxAge` milliseconds. An
 * older reader lacks the newest heads, and nothing more: they are for the next run. `open` gets the reader before, if any. A reader that
 * could not be opened is not kept.
 */
export function cachedHeads(
  open: (before: HeadReader | undefined) => Promise<HeadReader>,
  maxAge: number,
  now: () => number = () => performance.now(),
): HeadsOf {
  let cached: { readonly reader: Promise<HeadReader>; readonly at: number } | undefined
  return async (domainId, signal) => {
    if (cached === undefined || now() - cached.at >= maxAge) {
      const before = cached?.reader.catch(() => undefined)
      const mine = { reader: Promise.resolve(before).then(open), at: now() }
      cached = mine
      mine.reader.catch(() => {
        if (cached === mine) cached = undefined
      })
    }
    return (await cached.reader).of(domainId, signal)
  }
}
