const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Returns an age in a unit that it has at least two of: `41 s`, `3 min`, `5 h` or `12 days`. An age below zero is `0 s`. */
export function ageText(seconds: number): string {
  const age = Math.max(0, Math.floor(seconds))
  if (age < 2 * MINUTE) return `${age} s`
  if (age < 2 * HOUR) return `${Math.floor(age / MINUTE)} min`
  return age < 2 * DAY ? `${Math.floor(age / HOUR)} h` : `${Math.floor(age / DAY)} days`
}
