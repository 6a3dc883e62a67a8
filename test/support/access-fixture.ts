import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { createKey, type KeyRequest } from '../../src/access/keys.js'
import type { Management } from '../../src/access/management.js'
import { mintKey } from '../../src/authz/api-key.js'
import { keyAuthenticator } from '../../src/authz/key-authenticator.js'
import { tupleAuthorizer } from '../../src/authz/tuple-authorizer.js'
import { chainObject } from '../../src/chain/self-audit.js'
import type { Authorizer } from '../../src/ports/access.js'
import type { RelationTuple } from '../../src/ports/relations.js'
import { postgresAccessPolicy } from '../../src/repo/access/access-policy.js'
import { postgresKeyLookup } from '../../src/repo/access/api-key-lookup.js'
import { postgresApiKeys } from '../../src/repo/access/api-keys.js'
import { postgresRelations } from '../../src/repo/access/relation-tuples.js'
import { postgresRelationWalk } from '../../src/repo/access/relation-walk.js'
import { ACTOR, Writer } from './append-chains.js'
import { type TestDatabase, testDatabase } from './postgres.js'

export const NEVER: AbortSignal = new AbortController().signal
setMaxListeners(0, NEVER)

/** Keys and relations on a database of the test's own, with one Domain. */
export class AccessFixture {
  readonly keys
  readonly relations
  readonly policy
  readonly tuples
  readonly authenticator

  private constructor(
    readonly database: TestDatabase,
    readonly writer: Writer,
    readonly domainId: string,
  ) {
    this.keys = postgresApiKeys(writer.database)
    this.relations = postgresRelations(writer.database)
    this.policy = postgresAccessPolicy(writer.database)
    this.tuples = tupleAuthorizer(postgresRelationWalk(writer.database))
    this.authenticator = keyAuthenticator(postgresKeyLookup(writer.database))
  }

  static async make(): Promise<AccessFixture> {
    const database = await testDatabase()
    const writer = new Writer(database.url)
    return new AccessFixture(database, writer, await writer.create(randomUUID()))
  }

  as(actor: string = ACTOR, authorizer: Authorizer = this.tuples): Management {
    return {
      actor,
      authorizer,
      pepper: this.writer.pepper,
      signal: NEVER,
      keys: this.keys,
      relations: this.relations,
      policy: this.policy,
      mint: mintKey,
      tuplesDecide: authorizer === this.tuples,
    }
  }

  async key(request: Partial<KeyRequest> = {}, actor?: string) {
    const { record, text, auditRow } = await createKey(this.as(actor), { ...this.#request(), ...request })
    return { ...record, key: text, seq: auditRow?.seq }
  }

  tuple(relation: RelationTuple['relation'], subject: string, domainId = this.domainId): RelationTuple {
    return { object: chainObject(domainId), relation, subject }
  }

  async close(): Promise<void> {
    await this.writer.close()
    await this.database.drop()
  }

  #request(): KeyRequest {
    const { domainId } = this
    return { domainId, relation: 'auditor', subject: 'user:alice', readOnly: false, ownerOnly: false }
  }
}
