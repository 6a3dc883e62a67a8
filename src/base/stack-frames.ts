/** Returns the first frames of the stack, without the message, which may hold personal data. */
export function stackFrames({ stack = '' }: Error): string[] {
  return stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, 12)
}
