import { z } from 'zod'
import { contextFields, domainId, entryFields, subjectFields } from './entry-schema.js'
import { fieldNames, snakeCase } from './field-names.js'

const { identityId: _, ...subjectOfLine } = subjectFields

/** The names of an entry's fields that a line may hold. */
export const LINE_NAMES = fieldNames(entryFields, {
  subject: fieldNames(subjectOfLine),
  context: fieldNames(contextFields),
})

/** An entry as an input line writes it (docs/input.md). A key that is not listed is refused. */
export const lineSchema = z.strictObject({
  ...inSnakeCase(entryFields),
  subject: z.strictObject(inSnakeCase(subjectOfLine)).optional(),
  context: z.strictObject(inSnakeCase(contextFields)).optional(),
  /** Short for `domain_ids` with one element. */
  domain_id: domainId.optional(),
})

function inSnakeCase(fields: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([name, schema]) => [snakeCase(name), schema]))
}
