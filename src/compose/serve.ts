import type { Denials } from '../http/denials/denials.js'
import type { HttpDeps } from '../http/deps.js'
import type { IdentityEraser } from '../ports/erasure.js'
import type { Access } from './access-types.js'
import { sinkOf } from './append.js'
import type { Context } from './context.js'
import { erasureOf } from './erasure.js'
import { quarantineOf } from './query.js'

/** What the server works with; `denials` is to be closed when nothing is asked any more. */
export async function httpDepsOf(
  context: Context,
  options: Pick<HttpDeps, 'log' | 'integrity' | 'maxVerifies' | 'onAnswered'> & { readonly access: Access },
): Promise<HttpDeps & { readonly denials: Denials }> {
  const { access, ...given } = options
  const [{ Denials }, sink, cursorKey] = await Promise.all([
    import('../http/denials/denials.js'),
    sinkOf(context),
    cursorKeyOf(context),
  ])
  return {
    ...given,
    ...access,
    ...(await storesOf(context)),
    cursorKey: { cursorKey: async () => cursorKey },
    eraser: await eraserOf(context),
    denials: new Denials({ record: (entry) => sink.record(entry), log: given.log }),
  }
}

/** Connections for lists and proofs: beyond the cores of the database more of them serve nobody sooner. */
const CONNECTIONS = 10

/** Milliseconds for a page or a proof, which take a few. */
const QUERY_TIMEOUT = 15_000

/** Of the time, that each verify works: lists are served meanwhile. */
const VERIFY_SHARE = 0.5

/** On connections of their own: neither denials that are written nor verifies keep a list waiting. */
async function storesOf(context: Context) {
  // Checks the schema, or brings our own up to date.
  const checked = await context.database()
  const [{ Database }, { postgresEntryReader }, { PostgresSource }] = await Promise.all([
    import('../repo/session/database.js'),
    import('../repo/query/entry-reader.js'),
    import('../repo/verify/postgres-source.js'),
  ])
  const database = new Database(await context.databaseUrl(), CONNECTIONS, QUERY_TIMEOUT)
  if (checked.location !== undefined) database.pinTo(checked.location)
  context.onClose(() => database.close())
  return {
    entries: postgresEntryReader(database),
    source: new PostgresSource(database, { share: VERIFY_SHARE }),
    quarantine: await quarantineOf(context),
  }
}

/** Read once: a key file is read for each cursor otherwise. A server without it would fail at its first full page. */
async function cursorKeyOf(context: Context): Promise<Uint8Array> {
  return context.cursorKey().cursorKey()
}

/** The use case of the command line. Nobody is blocked from here: that is for good, and an operator's to decide. */
async function eraserOf(context: Context): Promise<IdentityEraser> {
  const [{ eraseIdentity }, { parseTimestamp }, ports] = await Promise.all([
    import('../erasure/erase-identity.js'),
    import('../chain/timestamp.js'),
    erasureOf(context),
  ])
  return {
    erase: async ({ domainId, identityId, actor }) => {
      const receipt = await eraseIdentity(ports, { domainId, person: { identityId }, actor, block: false })
      const { subject_pseudonym: subjectPseudonym, erased_at: erasedAt } = receipt
      return { subjectPseudonym, erasedAt: parseTimestamp(erasedAt) }
    },
  }
}
