import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { WebhookSettings } from './settings.js'
import { signatureHeader } from './signature.js'

/** Why a POST failed, and whether a retry may succeed. */
export interface Failure {
  readonly why: string
  readonly retry: boolean
}

const RETRY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * Sends one POST on a connection of its own. Resolves with the failure, or with undefined on success. Follows no redirect,
 * which could send the body elsewhere.
 */
export function post(
  { url, secret }: WebhookSettings,
  body: string,
  timeout: number,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'audit-chain',
      'audit-signature': signatureHeader(secret, body, Math.floor(Date.now() / 1000)),
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
    const request = url.protocol === 'https:' ? secure : plain
    const sending = request(url, { method: 'POST', headers, agent: false, signal: limit }, (response) => {
      // Only the status counts; the body is not read.
      response.on('error', () => undefined).destroy()
      resolve(failureOf(response.statusCode ?? 0))
    })
    sending.on('error', (error: NodeJS.ErrnoException) => resolve({ why: reasonOf(error), retry: true }))
    sending.end(body)
  })
}

function failureOf(status: number): Failure | undefined {
  if (status >= 200 && status < 300) return undefined
  return { why: `HTTP ${status}`, retry: status >= 500 || RETRY_STATUSES.has(status) }
}

/** Returns the reason without the message, which may hold the URL. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.name === 'AbortError' ? 'no answer in time' : (error.code ?? error.name)
}
