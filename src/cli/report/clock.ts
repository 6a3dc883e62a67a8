/** Returns the time of this machine to the second, as RFC 3339 UTC. */
export function madeNow(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
