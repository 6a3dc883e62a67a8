/** What PostgreSQL says of an error. */
export interface ServerError {
  readonly code: string
  readonly table: string
  readonly constraint: string
  readonly message: string
}

const WRAPPINGS = 5

/** The driver may be another copy of `pg`, and a wrapper may throw an error of its own with the driver's as its cause. */
export function serverError(error: unknown): ServerError {
  let inner = error
  for (let depth = 0; depth < WRAPPINGS && inner instanceof Error; depth += 1) {
    const { code, table, constraint } = inner as Error & Partial<ServerError>
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
      return { code, table: table ?? '', constraint: constraint ?? '', message: inner.message }
    }
    inner = inner.cause
  }
  return { code: '', table: '', constraint: '', message: '' }
}
