/** A value that the chain format cannot hold. `field` is the format's own name of the offending field. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
  constructor(
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`)
  }
}
