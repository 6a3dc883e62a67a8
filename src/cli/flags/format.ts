import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'

export const FORMATS = ['table', 'json', 'csv'] as const

export type Format = (typeof FORMATS)[number]

/** The form of an answer. Read with {@link parseFormat}. */
export const formatFlag = Flags.string({
  options: [...FORMATS],
  summary: 'form of the answer: table, json (as --json) or csv; default: table',
})

/** Returns the form of the answer. Throws `usage` where `--json` and `--format` contradict each other. */
export function parseFormat({
  json,
  format,
}: {
  readonly json: boolean
  readonly format?: string | undefined
}): Format {
  const chosen = FORMATS.find((name) => name === format)
  if (json && chosen !== undefined && chosen !== 'json') {
    throw new AuditError('usage', `--json and --format ${chosen} exclude each other`)
  }
  return json ? 'json' : (chosen ?? 'table')
}
