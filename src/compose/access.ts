import type { Management } from '../access/management.js'
import { chainObject } from '../chain/self-audit.js'
import type { Access, Authenticator, Authorizer } from '../ports/access.js'
import type { AccessPolicyStore, ApiKeyStore } from '../ports/keys.js'
import type { Relation, RelationStore } from '../ports/relations.js'
import type { Database } from '../repo/session/database.js'
import type { AccessOptions, JwtOptions, SpicedbOptions } from './access-types.js'
import type { Context } from './context.js'
import { openSidePool } from './database.js'
import { openPepper } from './pepper.js'

/** The server's pool for credentials and relations: no slow list keeps them waiting. */
const POOL = {
  connections: 6,
  /** Milliseconds for a credential or a relation, which take less than one. */
  queryTimeout: 5_000,
}

/** Returns who calls and what they may do: from API keys and JWTs, and from our own relations or SpiceDB's. */
export async function openAccess(context: Context, options: AccessOptions = {}): Promise<Access> {
  // Read first: opening the database may create it.
  const ca = await options.spicedb?.ca?.()
  const spicedb = options.spicedb && { ...options.spicedb, ca: ca && (async () => ca) }
  const database = await openSidePool(context, POOL)
  const { postgresAccessPolicy } = await import('../repo/access/access-policy.js')
  return {
    authenticator: await authenticatorOf(database, options.jwt),
    authorizer: await authorizerOf(context, database, spicedb),
    erasePolicy: postgresAccessPolicy(database),
  }
}

async function authenticatorOf(database: Database, jwt: JwtOptions | undefined): Promise<Authenticator> {
  const [{ keyAuthenticator }, { postgresKeyLookup }] = await Promise.all([
    import('../authz/key-authenticator.js'),
    import('../repo/access/api-key-lookup.js'),
  ])
  const keys = keyAuthenticator(postgresKeyLookup(database))
  if (jwt === undefined) return keys
  const { jwtAuthenticator, eitherAuthenticator } = await import('../authz/jwt-authenticator.js')
  return eitherAuthenticator(keys, jwtAuthenticator(jwt))
}

async function authorizerOf(
  context: Context,
  database: Database,
  spicedb: SpicedbOptions | undefined,
): Promise<Authorizer> {
  if (spicedb !== undefined) return spicedbAuthorizerOf(context, spicedb)
  const [{ tupleAuthorizer }, { postgresRelationWalk }] = await Promise.all([
    import('../authz/tuple-authorizer.js'),
    import('../repo/access/relation-walk.js'),
  ])
  return tupleAuthorizer(postgresRelationWalk(database))
}

async function spicedbAuthorizerOf(context: Context, options: SpicedbOptions): Promise<Authorizer> {
  const ca = await options.ca?.()
  const { SpicedbAuthorizer } = await import('../authz/spicedb-authorizer.js')
  const authorizer = new SpicedbAuthorizer({ ...options, ca })
  context.onClose(async () => authorizer.close())
  return authorizer
}

/** Returns what keys and relations are managed with, by the actor of this run. With SpiceDB, relations change only there. */
export async function openManagement(
  context: Context,
  signal: AbortSignal,
  spicedb?: SpicedbOptions,
): Promise<Management> {
  const [{ mintKey }, keys, relations, policy] = await Promise.all([
    import('../authz/api-key.js'),
    openKeyStore(context),
    openRelationStore(context),
    openPolicyStore(context),
  ])
  return {
    actor: context.actor,
    pepper: await openPepper(context),
    authorizer: await authorizerOf(context, await context.database(), spicedb),
    signal,
    keys,
    relations,
    policy,
    mint: mintKey,
    tuplesDecide: spicedb === undefined,
  }
}

export async function openKeyStore(context: Context): Promise<ApiKeyStore> {
  const { postgresApiKeys } = await import('../repo/access/api-keys.js')
  return postgresApiKeys(await context.database())
}

export async function openRelationStore(context: Context): Promise<RelationStore> {
  const { postgresRelations } = await import('../repo/access/relation-tuples.js')
  return postgresRelations(await context.database())
}

export async function openPolicyStore(context: Context): Promise<AccessPolicyStore> {
  const { postgresAccessPolicy } = await import('../repo/access/access-policy.js')
  return postgresAccessPolicy(await context.database())
}

export async function spicedbSchema(): Promise<string> {
  const { SPICEDB_SCHEMA } = await import('../authz/spicedb-schema.js')
  return SPICEDB_SCHEMA
}

/** Returns the command that gives a key's subject its relation when SpiceDB decides. */
export async function zedCommandFor(key: {
  readonly domainId: string
  readonly relation: Relation
  readonly subject: string
}): Promise<string> {
  const { zedArguments } = await import('../authz/spicedb-id.js')
  return `zed relationship touch ${zedArguments({ ...key, object: chainObject(key.domainId) })}`
}
