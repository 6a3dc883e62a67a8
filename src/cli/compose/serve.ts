import type { Denials } from '../../http/denials.js'
import type { HttpLog, HttpParts } from '../../http/parts.js'
import type { Integrity } from '../../ports.js'
import type { Context } from '../context.js'
import type { Access } from './access.js'
import { sinkOf } from './append.js'
import { entriesOf, quarantineOf } from './read.js'
import { sourceOf } from './verify.js'

/** What the server works with; `denials` is to be closed when nothing is asked any more. */
export async function httpPartsOf(
  context: Context,
  options: { readonly log: HttpLog; readonly access: Access; readonly maxVerifies: number },
): Promise<HttpParts & { readonly denials: Denials }> {
  const { log, access, maxVerifies } = options
  const [{ Denials }, sink, cursorKey] = await Promise.all([
    import('../../http/denials.js'),
    sinkOf(context),
    cursorKeyOf(context),
  ])
  return {
    ...access,
    entries: await entriesOf(context),
    cursorKey: { cursorKey: async () => cursorKey },
    source: await sourceOf(context, 'postgres', ''),
    quarantine: await quarantineOf(context),
    integrity: integrityOf(),
    denials: new Denials({ record: (entry) => sink.record(entry), log }),
    log,
    maxVerifies,
  }
}

/** Read once: a key file is read for each cursor otherwise. A server without it would fail at its first full page. */
async function cursorKeyOf(context: Context): Promise<Uint8Array> {
  return context.cursorKey().cursorKey()
}

/** Nothing has verified the chains, and so it stays: pending until something is found. */
function integrityOf(): Integrity {
  let isDiverged = false
  return {
    state: () => (isDiverged ? 'diverged' : 'pending'),
    report: () => {
      isDiverged = true
    },
  }
}
