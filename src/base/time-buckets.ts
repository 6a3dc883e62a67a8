/** Returns the day or the hour in UTC that a time lies in. The time is RFC 3339 in UTC, as `wireTime` writes it. */
export function startOf(unit: 'day' | 'hour', time: string): string {
  return unit === 'day' ? time.slice(0, 10) : `${time.slice(0, 13)}:00:00Z`
}
