/** Limits for one client, documented in docs/http.md. Times are in milliseconds, sizes in bytes. */
export const LIMITS = {
  bodyBytes: 8 * 1024,
  /** Request line and headers together. */
  headerBytes: 16 * 1024,
  /** Time for the headers to arrive. */
  headersTimeout: 10_000,
  /** Time for the whole request to arrive. */
  requestTimeout: 20_000,
  /** Interval of the checks for these two timeouts. */
  checkInterval: 2_000,
  /** Time without traffic after which a connection is closed, between requests and within an answer. */
  idleTimeout: 65_000,
  /** Further connections are closed when they arrive. */
  maxConnections: 4_096,
} as const
