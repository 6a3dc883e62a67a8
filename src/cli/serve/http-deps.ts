import { openSink } from '../../compose/append.js'
import type { Context } from '../../compose/context.js'
import { openServerStores } from '../../compose/serve.js'
import type { Denials } from '../../http/denials/denials.js'
import type { HttpDeps } from '../../http/deps.js'
import type { Access } from '../../ports/access.js'

/** Returns what the server works with. Close `denials` after the last request. */
export async function httpDepsOf(
  context: Context,
  access: Access,
  options: Pick<HttpDeps, 'log' | 'integrity' | 'maxVerifies' | 'onAnswered'>,
): Promise<HttpDeps & { readonly denials: Denials }> {
  const [{ Denials }, sink, stores] = await Promise.all([
    import('../../http/denials/denials.js'),
    openSink(context),
    openServerStores(context),
  ])
  const denials = new Denials({ record: (entry) => sink.record(entry), log: options.log })
  return { ...options, ...access, ...stores, denials }
}
