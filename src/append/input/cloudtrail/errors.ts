import { REFUSED } from './error-codes.js'
import type { CloudTrailEvent } from './event.js'
import { type Node, nodesIn } from './nodes.js'

/** One error of an event. At least one of its fields is given. */
export interface EventError {
  readonly code?: string | undefined
  readonly message?: string | undefined
}

/**
 * Returns the errors of an event, its own before those that its response lists: one request for many things can be answered
 * as a whole with success, and refused for some of them (`errorSet` of CreateFleet).
 */
export function errorsOf(event: CloudTrailEvent): EventError[] {
  const own = { code: textOf(event.errorCode), message: textOf(event.errorMessage) }
  const listed = [...nodesIn(event.responseElements), ...nodesIn(event.serviceEventDetails)].flatMap(errorIn)
  return own.code === undefined && own.message === undefined ? listed : [own, ...listed]
}

/** Returns the text of a field that some services fill with a number, or undefined where it is absent or empty. */
export function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'object' ? 'unspecified' : String(value)
}

const CODE = /code$/i
const ERROR_CODE = /^error_?code$/i
const ERROR_MESSAGE = /^(?:error_?)?message$/i
/** Responses also list statuses of HTTP and the absence of an error. */
const NO_ERROR = /^(?:\d*|none|ok|success)$/i

/** Returns the error that a member of a response stands for. A member of another name counts where it is a code of a refusal. */
function errorIn({ value }: Node): EventError[] {
  if (typeof value !== 'object' || value === null) return []
  const texts = Object.entries(value).filter(
    (member): member is [string, string] => typeof member[1] === 'string',
  )
  const message = texts.find(([name]) => ERROR_MESSAGE.test(name))?.[1]
  return texts
    .filter(([name, code]) => CODE.test(name) && !NO_ERROR.test(code))
    .filter(([name, code]) => ERROR_CODE.test(name) || REFUSED.test(code))
    .map(([, code]) => ({ code, message }))
}
