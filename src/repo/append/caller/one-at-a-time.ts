const last = new WeakMap<object, Promise<unknown>>()

/** Runs `use` after all earlier calls with the same key have ended. */
export function oneAtATime<T>(key: object, use: () => Promise<T>): Promise<T> {
  const result = (last.get(key) ?? Promise.resolve()).then(use)
  last.set(
    key,
    result.catch(() => undefined),
  )
  return result
}
