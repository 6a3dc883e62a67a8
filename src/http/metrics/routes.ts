export interface Route {
  readonly method: 'GET' | 'POST' | 'other'
  readonly route: string
}

/** Route template and method of each operation. A test compares them with docs/openapi.json. */
export const ROUTES: Readonly<Record<string, Route>> = {
  ListAuditEntries: { method: 'GET', route: '/v1/domains/{domain_id}/audit/entries' },
  GetAuditEntry: { method: 'GET', route: '/v1/domains/{domain_id}/audit/entries/{seq}' },
  VerifyAuditChain: { method: 'POST', route: '/v1/domains/{domain_id}/audit/verify' },
  EraseIdentityFromAudit: { method: 'POST', route: '/v1/domains/{domain_id}/audit/erase-identity' },
  ListPlatformAuditEntries: { method: 'GET', route: '/v1/platform/audit/entries' },
  GetPlatformAuditEntry: { method: 'GET', route: '/v1/platform/audit/entries/{seq}' },
  VerifyPlatformAuditChain: { method: 'POST', route: '/v1/platform/audit/verify' },
  EraseIdentityFromPlatformAudit: { method: 'POST', route: '/v1/platform/audit/erase-identity' },
  Healthz: { method: 'GET', route: '/healthz' },
  Readyz: { method: 'GET', route: '/readyz' },
}

/** Requests that match no documented route. */
const OTHER: Route = { route: 'other', method: 'other' }

export function routeOf(operation: string): Route {
  return (Object.hasOwn(ROUTES, operation) ? ROUTES[operation] : undefined) ?? OTHER
}
