import type { Management } from '../../access/management.js'
import type { AccessPolicyStore, ApiKeyStore, Authenticator, Authorizer, RelationStore } from '../../ports.js'
import type { Database } from '../../repo/database.js'
import type { AccessOptions, JwtOptions } from '../access-flags.js'
import type { Context } from '../context.js'
import type { Access } from './access.js'

/** Connections of the server for credentials and relations: no slow list keeps them waiting. */
const CONNECTIONS = 6

/** Milliseconds for a credential or a relation, which take less than one. */
const QUERY_TIMEOUT = 5_000

/** Who calls, and what they may: API keys and JWTs, and our own relations. */
export async function accessOf(context: Context, options: AccessOptions = {}): Promise<Access> {
  // Checks the schema, or brings our own up to date.
  await context.database()
  const [{ Database }, { postgresAccessPolicy }] = await Promise.all([
    import('../../repo/database.js'),
    import('../../repo/access-policy.js'),
  ])
  const database = new Database(await context.databaseUrl(), CONNECTIONS, QUERY_TIMEOUT)
  context.onClose(() => database.close())
  return {
    authenticator: await authenticatorOf(database, options.jwt),
    authorizer: await authorizerOf(database),
    ownerOnly: postgresAccessPolicy(database),
  }
}

async function authenticatorOf(database: Database, jwt: JwtOptions | undefined): Promise<Authenticator> {
  const [{ keyAuthenticator }, { postgresKeyLookup }] = await Promise.all([
    import('../../authz/key-authenticator.js'),
    import('../../repo/api-key-lookup.js'),
  ])
  const keys = keyAuthenticator(postgresKeyLookup(database))
  if (jwt === undefined) return keys
  const { jwtAuthenticator, eitherAuthenticator } = await import('../../authz/jwt-authenticator.js')
  return eitherAuthenticator(keys, jwtAuthenticator(jwt))
}

async function authorizerOf(database: Database): Promise<Authorizer> {
  const [{ tupleAuthorizer }, { postgresRelationWalk }] = await Promise.all([
    import('../../authz/tuple-authorizer.js'),
    import('../../repo/relation-walk.js'),
  ])
  return tupleAuthorizer(postgresRelationWalk(database))
}

/** What keys and relations are managed with, by the actor of this run. */
export async function managementOf(context: Context, signal: AbortSignal): Promise<Management> {
  const [{ mintKey }, keys, relations, policy] = await Promise.all([
    import('../../authz/api-key.js'),
    keysOf(context),
    relationsOf(context),
    policyOf(context),
  ])
  return {
    actor: context.actor,
    pepper: await context.pepper(),
    authorizer: await authorizerOf(await context.database()),
    signal,
    keys,
    relations,
    policy,
    mint: mintKey,
    tuplesDecide: true,
  }
}

export async function keysOf(context: Context): Promise<ApiKeyStore> {
  const { postgresApiKeys } = await import('../../repo/api-keys.js')
  return postgresApiKeys(await context.database())
}

export async function relationsOf(context: Context): Promise<RelationStore> {
  const { postgresRelations } = await import('../../repo/relation-tuples.js')
  return postgresRelations(await context.database())
}

export async function policyOf(context: Context): Promise<AccessPolicyStore> {
  const { postgresAccessPolicy } = await import('../../repo/access-policy.js')
  return postgresAccessPolicy(await context.database())
}
