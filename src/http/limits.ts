/** What one client can take of this server; documented in docs/http.md. Times in milliseconds, sizes in bytes. */
export const LIMITS = {
  bodyBytes: 8 * 1024,
  /** Request line and headers together. */
  headerBytes: 16 * 1024,
  /** Until the headers, and until the whole request, must have arrived. */
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  /** How often connections are looked at for these two. */
  checkInterval: 2_000,
  /** A connection on which nothing moves, between requests and within an answer. */
  idleTimeout: 65_000,
  /** Further ones are closed as they come. */
  maxConnections: 4_096,
} as const
