import type { IdentityEraser } from '../ports/erasure.js'
import type { HeadsOf } from '../ports/log/heads.js'
import type { CursorKey } from '../ports/pepper.js'
import type { QuarantineStore } from '../ports/quarantine.js'
import type { EntryReader } from '../ports/query.js'
import type { EntrySource } from '../ports/verify.js'
import type { Context } from './context.js'
import { openSidePool } from './database.js'
import { openErasurePorts } from './erasure.js'
import { cursorKeyOf } from './pepper.js'
import { openQuarantineStore } from './quarantine.js'
import { openServerHeads } from './read/heads.js'

/** The pool for lists and proofs. More connections than the database has cores make no list faster. */
const POOL = {
  connections: 10,
  /** Milliseconds for a page or a proof, which take a few. */
  queryTimeout: 15_000,
}

/** The part of the time that each verify works, so that lists are served meanwhile. */
const VERIFY_SHARE = 0.5

/** What the server works with, apart from who may call it. */
export interface ServerStores {
  readonly entries: EntryReader
  readonly source: EntrySource
  readonly headsOf: HeadsOf
  readonly quarantine: QuarantineStore
  readonly cursorKey: CursorKey
  readonly eraser: IdentityEraser
}

/** Opens the stores on a pool of their own: neither denials that are written nor verifies keep a list waiting. */
export async function openServerStores(context: Context): Promise<ServerStores> {
  const cursorKey = await fixedCursorKey(context)
  const [database, { postgresEntryReader }, { PostgresSource }] = await Promise.all([
    openSidePool(context, POOL),
    import('../repo/query/entry-reader.js'),
    import('../repo/verify/postgres-source.js'),
  ])
  return {
    entries: postgresEntryReader(database),
    source: new PostgresSource(database, { share: VERIFY_SHARE }),
    headsOf: (await openServerHeads(context, database)).ofRequest,
    quarantine: await openQuarantineStore(context),
    cursorKey,
    eraser: await eraserOf(context),
  }
}

/** Reads the key once: otherwise each cursor would read the key file. A server without the key fails at its start. */
async function fixedCursorKey(context: Context): Promise<CursorKey> {
  const key = await cursorKeyOf(context).cursorKey()
  return { cursorKey: async () => key }
}

/** Never blocks the person: a block is permanent, and only an operator may decide it. */
async function eraserOf(context: Context): Promise<IdentityEraser> {
  const [{ eraseIdentity }, ports] = await Promise.all([
    import('../erasure/erase-identity.js'),
    openErasurePorts(context),
  ])
  return {
    erase: ({ domainId, identityId, actor }) =>
      eraseIdentity(ports, { domainId, person: { identityId }, actor, block: false }),
  }
}
