import type { CloudTrailEvent } from './event.js'
import { nodesIn } from './nodes.js'

/** How a sign-in ended. `unclear`: the event says neither success nor failure. */
export type SignInResult = 'success' | 'failure' | 'unclear'

/** The events that are a step of a sign-in, whatever their type. */
const SIGN_INS: ReadonlySet<string> = new Set([
  'CheckMfa',
  'ConsoleLogin',
  'CredentialChallenge',
  'CredentialVerification',
  'SwitchRole',
  'UserAuthentication',
])

const RESULT_NAME = /^(?:result|status|outcome)$/i
const FAILURE = /fail|den(?:y|ied)|reject|refus|unauthori[sz]ed|forbidden/i
/** A value that says failure under any name. */
const FAILURE_ALONE = /^\s*(?:fail(?:ed|ure)?|denied)\s*$/i

/**
 * Returns how a sign-in ended, or undefined for another event. The result is written under the name of the event
 * (`{"ConsoleLogin":"Failure"}`) in `responseElements` or `serviceEventDetails`. Only an explicit "Success" is one, and any
 * error is a failure.
 */
export function signInResult(event: CloudTrailEvent, hasError: boolean): SignInResult | undefined {
  const { own, other, all } = resultsOf(event)
  const isSignIn = SIGN_INS.has(event.eventName) || event.eventType === 'AwsConsoleSignIn'
  if (!isSignIn) return own.some((text) => FAILURE_ALONE.test(text)) ? 'failure' : undefined
  const saysFailure = [...own, ...other].some((text) => FAILURE.test(text))
  if (hasError || saysFailure || all.some((text) => FAILURE_ALONE.test(text))) return 'failure'
  const named = own.length > 0 ? own : other
  return named.length > 0 && named.every(isSuccess) ? 'success' : 'unclear'
}

function isSuccess(text: string): boolean {
  return text.trim().toLowerCase() === 'success'
}

/** Returns the texts under the name of the event, those under another name of a result, and all texts. */
function resultsOf({ eventName, responseElements, serviceEventDetails }: CloudTrailEvent) {
  const name = eventName.toLowerCase()
  const nodes = [...nodesIn(responseElements), ...nodesIn(serviceEventDetails)].filter(
    ({ value }) => typeof value !== 'object',
  )
  const texts = nodes.map((node) => ({ name: node.name.toLowerCase(), text: String(node.value) }))
  return {
    own: texts.filter((node) => node.name === name).map(({ text }) => text),
    other: texts.filter((node) => RESULT_NAME.test(node.name)).map(({ text }) => text),
    all: texts.map(({ text }) => text),
  }
}
