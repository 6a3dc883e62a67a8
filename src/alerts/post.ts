import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { WebhookSettings } from './settings.js'
import { signatureHeader } from './signature.js'

/** Undefined where it was taken; else what was wrong, and whether it may go better another time. */
export type Refused = { readonly why: string; readonly again: boolean } | undefined

const TRY_AGAIN: ReadonlySet<number> = new Set([408, 425, 429])

/** One POST, on a connection of its own. A redirect is not followed: the body would go where nobody has sent it. */
export function post(
  { url, secret }: WebhookSettings,
  body: string,
  timeout: number,
  signal: AbortSignal,
): Promise<Refused> {
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
      // Only the status counts; whatever the body is, it is not read on.
      response.on('error', () => undefined).destroy()
      resolve(refusal(response.statusCode ?? 0))
    })
    sending.on('error', (error: NodeJS.ErrnoException) => resolve({ why: reasonOf(error), again: true }))
    sending.end(body)
  })
}

function refusal(status: number): Refused {
  if (status >= 200 && status < 300) return undefined
  return { why: `HTTP ${status}`, again: status >= 500 || TRY_AGAIN.has(status) }
}

/** Never the message, which may hold the URL. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.name === 'AbortError' ? 'no answer in time' : (error.code ?? error.name)
}
