import type { App } from '../app-type.js'

/**
 * Rewrites X-Forwarded-For to plain addresses before the list of trusted proxies is applied to it. Azure Application
 * Gateway and others write `address:port`, and an IPv6 address with a port is in brackets. Fastify compares the text of
 * each hop, so without this it would not recognise such a proxy, and the row would have no address.
 */
export function acceptForwardedPorts(app: App): void {
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const forwarded = headers['x-forwarded-for']
    if (forwarded === undefined || forwarded.length === 0) return
    const hops = typeof forwarded === 'string' ? forwarded.split(',') : forwarded
    headers['x-forwarded-for'] = hops.map(addressOfHop).join(', ')
  })
}

/**
 * Returns the address of one hop without quotes, brackets, port and zone. Any other text, such as `unknown`, stays, and an
 * empty hop becomes `unknown`: a hop that is dropped would make the hop before it, which the client may have invented, look
 * like the address that the proxy saw.
 */
export function addressOfHop(hop: string): string {
  const text = hop.trim().replace(/^"(.*)"$/, '$1') || 'unknown'
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(text)?.[1]
  const address = bracketed ?? /^(\d+\.\d+\.\d+\.\d+):\d*$/.exec(text)?.[1] ?? text
  return address.replace(/^([0-9a-f:.]*:[0-9a-f:.]*)%.*$/i, '$1')
}
