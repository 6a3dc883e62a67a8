/**
 * How often something random is tried: in full, unless AUDIT_TEST_QUICK is set, and then a tenth. CI has 15 minutes for
 * everything; `npm test` by hand does all of it.
 */
export function times(full: number): number {
  return process.env.AUDIT_TEST_QUICK ? Math.ceil(full / 10) : full
}
