import { AuditError } from '../base/errors.js'
import { filePlaceOf } from '../base/files/file-url.js'

/** Where a KV version 2 store keeps the peppers. */
export interface KvPlace {
  /** `https://host:port`, or `http://host:port` for openbao+http. */
  readonly origin: string
  /** The mount's path, which may hold slashes. */
  readonly mount: string
  /** The path of the secrets below the mount, without a slash at either end. */
  readonly prefix: string
}

/** A source of peppers. */
export type PepperPlace =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | ({ readonly kind: 'openbao' } & KvPlace)

const EXPECTED = 'expected file:///path, env:NAME or openbao://host[:port]/mount/prefix'

/**
 * Parses a pepper source: `file:///path`, `env:NAME`, `openbao://host[:port]/mount/prefix`, or `openbao+http://…` without
 * TLS. Throws `usage` for anything else. The message does not repeat the text, which may be the secret itself.
 */
export function parsePepperUrl(text: string): PepperPlace {
  if (/^env:/i.test(text)) return { kind: 'env', name: nameOf(text.slice('env:'.length)) }
  if (/^openbao(\+http)?:/i.test(text)) return { kind: 'openbao', ...kvPlaceOf(text) }
  if (/^vault(\+http)?:/i.test(text)) throw usage('Vault is reached as openbao://host[:port]/mount/prefix')
  const place = filePlaceOf(text, EXPECTED)
  if ('problem' in place) throw usage(place.problem)
  return { kind: 'file', path: place.path }
}

/** Accepts capitals only, and fewer characters than a key has hex digits, so that a secret is never taken for a name. */
function nameOf(name: string): string {
  if (/^[A-Z_][A-Z0-9_]{0,62}$/.test(name)) return name
  throw usage('expected env:NAME with the name of a variable in capitals, at most 63 of A-Z, 0-9 and _')
}

const SEGMENT = '[A-Za-z0-9_-][A-Za-z0-9._-]*'
const PLACE = new RegExp(
  `^openbao(\\+http)?://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(?::(\\d{1,5}))?/(${SEGMENT}(?:%2F${SEGMENT})*)/(${SEGMENT}(?:/${SEGMENT})*)$`,
  'i',
)

/** Parses strictly on purpose: no user or password, no query, no dot segments, and nothing that a proxy could read differently. */
function kvPlaceOf(text: string): KvPlace {
  const [, plain, host = '', port = '8200', mount = '', prefix = ''] = PLACE.exec(text) ?? []
  const origin = `${plain === undefined ? 'https' : 'http'}://${host.toLowerCase()}:${port}`
  if (host === '' || Number(port) < 1 || !URL.canParse(origin)) {
    throw usage(
      'expected openbao://host[:port]/mount/prefix, each part of A-Z, a-z, 0-9, . _ and -, a slash in mount as %2F',
    )
  }
  return { origin, mount: mount.replaceAll(/%2F/gi, '/'), prefix }
}

function usage(problem: string): AuditError {
  return new AuditError('usage', `pepper source: ${problem}`, {
    advice: { code: 'check_pepper_url' },
  })
}
