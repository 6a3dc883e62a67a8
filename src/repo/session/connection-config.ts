import type pg from 'pg'

/** Milliseconds after which connecting to a server that does not answer fails. */
const CONNECT_TIMEOUT = 10_000

/** The modes of sslmode for which the driver checks the certificate as in verify-full, and warns on stderr that it does. */
const ALIASES = /([?&]sslmode=)(?:prefer|require|verify-ca)(?=[&#]|$)/g

/** Returns the configuration of every connection to a database. */
export function connectionConfig(url: string, isEmbedded: boolean): pg.ClientConfig {
  return {
    ...(isEmbedded
      ? { connectionString: `${url}&port=5432`, ...NO_ENVIRONMENT }
      : { connectionString: withoutAlias(url) }),
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    application_name: 'audit',
    keepAlive: true,
  }
}

/**
 * The settings that the driver would otherwise take from PG variables of the environment, which are meant for another
 * server. The URL of the embedded server gives user, database and host. An empty text or `false` would not count as given.
 */
const NO_ENVIRONMENT: pg.ClientConfig & Readonly<Record<string, unknown>> = {
  ssl: false,
  options: ' ',
  password: 'none',
  replication: 'false',
  sslnegotiation: 'postgres',
  client_encoding: 'UTF8',
}

/** Names the mode that the driver uses, so that it has nothing to warn about. */
function withoutAlias(url: string): string {
  return /[?&]uselibpqcompat=true(?=[&#]|$)/.test(url) ? url : url.replaceAll(ALIASES, '$1verify-full')
}
