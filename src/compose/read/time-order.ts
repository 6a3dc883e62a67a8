import { stat } from 'node:fs/promises'
import type { TimeOrder } from '../../ports/query.js'
import type { Context } from '../context.js'
import { openSource } from '../verify.js'
import type { RowsFrom } from './rows.js'

/**
 * Recomputes every row of a copy, and returns the order of their times. Rejects with the errors of the copy. A bundle that comes
 * through a pipe can be read once, so its order stays `unverified`.
 */
export async function recomputedOrder(
  context: Context,
  from: RowsFrom,
  domainId: string,
  signal: AbortSignal,
): Promise<TimeOrder> {
  const { verifiedOrder } = await import('../../query/time-order.js')
  if (from.source === 'bundle') {
    return (await stat(from.path)).isFile() ? bundleOrder(from.path, domainId, signal) : 'unverified'
  }
  return verifiedOrder(await openCopySource(context, from.source, domainId, signal), domainId, signal)
}

async function openCopySource(
  context: Context,
  name: 'postgres' | 'mirror',
  domainId: string,
  signal: AbortSignal,
) {
  if (name === 'mirror') return openSource(context, name, domainId, { signal })
  const { PostgresSource } = await import('../../repo/verify/postgres-source.js')
  return new PostgresSource(await context.database())
}

async function bundleOrder(path: string, domainId: string, signal: AbortSignal): Promise<TimeOrder> {
  const [{ openBundle }, { BundleSource }, { nodeHasher }, { verifiedOrder }] = await Promise.all([
    import('../../bundle/read/open-bundle.js'),
    import('../../bundle/bundle-source.js'),
    import('../../base/node-hasher.js'),
    import('../../query/time-order.js'),
  ])
  const { file, manifest, members } = await openBundle(path)
  try {
    return await verifiedOrder(new BundleSource(manifest, members, nodeHasher), domainId, signal)
  } finally {
    await file.close()
  }
}
