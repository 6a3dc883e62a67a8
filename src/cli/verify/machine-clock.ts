/** Returns the clock of this machine, in microseconds since 1970-01-01T00:00:00Z. */
export function machineClock(): bigint {
  return BigInt(Date.now()) * 1_000n
}
