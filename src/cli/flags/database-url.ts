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

/** Returns a URL without its passwords: that of the user, and those among its parameters. */
export function withoutPassword(url: string): string {
  const shape = new URL(withHost(url))
  shape.password = ''
  for (const name of [...shape.searchParams.keys()])
    if (/password/i.test(name)) shape.searchParams.delete(name)
  return textOf(shape, url)
}

/** Returns a URL for a reader with a role of their own: without the user and every parameter but the place of the server. */
export function sharedUrl(url: string): string {
  const shape = new URL(withHost(url))
  shape.username = ''
  shape.password = ''
  for (const name of [...shape.searchParams.keys()])
    if (name !== 'host' && name !== 'port') shape.searchParams.delete(name)
  return textOf(shape, url)
}

/** Returns the text of a URL, without the host that `withHost` inserted in the given text. */
function textOf({ href }: URL, url: string): string {
  return url.includes('@/') ? href.replace(/(?<=\/\/|@)socket\//, '/') : href
}

/** `URL` rejects `postgres://user@/db`, so this inserts a dummy host. */
function withHost(url: string): string {
  return url.replace('@/', '@socket/')
}
