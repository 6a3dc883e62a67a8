const DAY = 86_400

/** Returns a number of seconds as text, with the days where there are any. */
export function secondsText(seconds: number): string {
  const days = Math.floor(seconds / DAY)
  return days === 0 ? `${seconds} s` : `${seconds} s (${days} ${days === 1 ? 'day' : 'days'})`
}
