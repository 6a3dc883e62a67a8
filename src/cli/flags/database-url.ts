import { AuditError } from '../../base/errors.js'

/** pg reads text that is not a URL as the name of a local database. Errors never repeat the value: it may hold a password. */
export function postgresUrl(text: string): string {
  const shape = withHost(text)
  const isUrl = /^postgres(ql)?:\/\//.test(text) && URL.canParse(shape)
  if (isUrl && isPort(new URL(shape).searchParams.get('port'))) return text
  throw new AuditError('usage', 'expected a URL postgresql://host:port/database')
}

/** Rejects an invalid port here, because pg would wait forever. */
function isPort(port: string | null): boolean {
  return port === null || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)
}

/** Returns the host and the database of a URL, without its user, its password and its parameters. */
export function serverOf(url: string): string {
  const { host, pathname } = new URL(withHost(url))
  return `${host}${pathname}`
}

/** `URL` rejects `postgres://user@/db`, so this inserts a dummy host. */
function withHost(url: string): string {
  return url.replace('@/', '@socket/')
}
