import { z } from 'zod'

/**
 * Documents a promise about a text without enforcing it on answers: a row that was forced into the table past its CHECKs must
 * still be sent, or one bad row would turn its whole page into a 500.
 */
export const documented = (promise: Readonly<Record<string, unknown>>) => z.string().meta({ ...promise })

export const time = documented({ format: 'date-time' })

export const uuid = documented({ format: 'uuid' })

/** A hash. Empty, or of another length, only in a row that somebody forced into the table. */
export const hash = documented({ pattern: '^[0-9a-f]*$', description: '64 lower-case hex digits' })
