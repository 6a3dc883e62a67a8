import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import Fastify, { type FastifyHttpOptions, type FastifyPluginCallback } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { App } from './app-type.js'
import type { HttpDeps } from './deps.js'
import { LIMITS } from './limits.js'
import { answerErrors, refuseConnection, refusePath } from './problem/handlers.js'
import { logAnswers } from './request/answer-log.js'
import { acceptBodies } from './request/body.js'
import { acceptForwardedPorts } from './request/forwarded.js'
import { setHeaders } from './request/headers.js'
import { validatorCompiler } from './request/validate.js'
import { registerDocument } from './routes/document.js'
import { registerEntries } from './routes/entries.js'
import { registerErase } from './routes/erase.js'
import { registerHealth } from './routes/health.js'
import { registerVerify } from './routes/verify.js'

export interface AppOptions {
  /** Both in PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined
  /** Addresses and networks whose X-Forwarded-For is trusted. Absent: none. */
  readonly trustedProxies?: readonly string[] | undefined
}

/**
 * Builds the server of docs/http.md, ready to listen or to be called through `inject`. Opens nothing; the caller closes the
 * dependencies.
 */
export async function buildApp(deps: HttpDeps, options: AppOptions = {}): Promise<App> {
  const app: App = Fastify(serverOptions(options)).withTypeProvider<ZodTypeProvider>()
  app.server.maxConnections = LIMITS.maxConnections
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.decorateRequest('principal', undefined)
  setHeaders(app, options.tls !== undefined)
  if (options.trustedProxies !== undefined) acceptForwardedPorts(app)
  acceptBodies(app)
  answerErrors(app, deps.log)
  logAnswers(app, deps)
  await registerDocument(app)
  await app.register(routesOf(deps))
  await app.ready()
  return app
}

/** Returns the routes as a plugin: the OpenAPI document only sees routes that are registered after itself. */
function routesOf(deps: HttpDeps): FastifyPluginCallback {
  return (scope, _options, done) => {
    const routes = scope.withTypeProvider<ZodTypeProvider>()
    registerEntries(routes, deps)
    registerVerify(routes, deps)
    registerErase(routes, deps)
    registerHealth(routes, deps.integrity)
    done()
  }
}

/** Turns Fastify's own logger off: its lines hold addresses and URLs. */
function serverOptions({ tls, trustedProxies }: AppOptions): FastifyHttpOptions<Server> {
  const connections = {
    maxHeaderSize: LIMITS.headerBytes,
    headersTimeout: LIMITS.headersTimeout,
    connectionsCheckingInterval: LIMITS.checkInterval,
    noDelay: true,
    requireHostHeader: false,
  }
  return {
    logger: false,
    // Never take the caller's id: it would be written to the chain, from which nothing can be deleted.
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: trustedProxies === undefined ? false : [...trustedProxies],
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout: LIMITS.requestTimeout,
    keepAliveTimeout: LIMITS.idleTimeout,
    connectionTimeout: LIMITS.idleTimeout,
    forceCloseConnections: 'idle',
    // Answer requests that still arrive during the shutdown normally: Fastify's own 503 is not a problem document (RFC 9457).
    return503OnClosing: false,
    exposeHeadRoutes: false,
    // Accept any path segment that fits the headers, so that the routes refuse it with the right code.
    routerOptions: { maxParamLength: LIMITS.headerBytes },
    frameworkErrors: refusePath,
    clientErrorHandler: refuseConnection,
    http: connections,
    ...(tls !== undefined && {
      https: { ...connections, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: LIMITS.headersTimeout },
    }),
  }
}
