/** What a message says about the decision: the caller was refused, or there is a mention of a refusal of something. */
export type SaidRefusal = 'refused' | 'mentioned'

/** "User: … is not authorized to perform: …", "You are not authorized to perform this operation." */
export const NOT_PERMITTED = /\bnot authorized to perform\b/i
export const EXPLICIT_DENY = /\bexplicit(?:ly)? den(?:y|ied)\b/i

const CALLER = '\\b(?:you|user|caller|principal|identity|requester|account)\\b[^\\n]{0,300}?'
/** "Access key" and "permission set" are things, and not what a caller may do. */
const RIGHTS =
  '(?:\\w+ ){0,3}(?:permissions?|privileges?|access|rights?|authori[sz]ation)\\b(?! (?:keys?|points?|boundar|sets?|tokens?))'
/** A code of a refusal in the text, where it is the answer of another service. */
const CODE = '\\w{0,80}(?:AccessDenied|NotAuthorized|Unauthorized|Access_Denied)'

/** Says that the caller was refused. */
const REFUSED: readonly RegExp[] = [
  /\bnot (?:been )?authori[sz]ed\b/i,
  /\b(?:access|permissions?)(?: to \S{1,300})?(?: is| was| has been)? (?:denied|refused|forbidden|not permitted|not allowed)\b/i,
  /\binsufficient (?:\w+ ){0,3}(?:permissions?|privileges?|rights)\b/i,
  new RegExp(`${CALLER}(?:not have|n't have|lacks?|ha(?:s|ve) no) ${RIGHTS}`, 'i'),
  new RegExp(`${CALLER}\\b(?:(?:not|n't) (?:allowed|permitted) to|(?:is|are) unauthori[sz]ed)\\b`, 'i'),
  new RegExp(`(?:^\\W{0,9}|\\bcode: ?)${CODE}`, 'i'),
  /\bfailed authentication\b/i,
  /^\W*(?:unauthori[sz]ed|forbidden)\b/i,
]

/** A word of refusals that is no part of a name, or a code of one. */
const MENTIONED: readonly RegExp[] = [
  /(?<![-\w/:.])(?:den(?:y|ies|ied)|forbidden|un-?authori[sz]ed|not (?:permitted|entitled)|cannot access)(?![-\w/:]|\.\w)/i,
  /\b(?:no|not|lacks?|lacking|without|missing|must|needs?|requires?) (?:\w+ ){0,3}(?:permissions?|privileges?)\b(?! (?:boundar|sets?))/i,
  /AccessDenied|UnauthorizedOperation|NotAuthorized|ACCESS_DENIED/,
]

/** Messages of AWS have up to 1 KB. The search in a longer text would take too long. */
const MAX_MESSAGE = 65_536

/** Returns what a message says, or undefined. Quoted names say nothing, unless a quoted text reads like a whole refusal. */
export function refusalIn(whole: string): SaidRefusal | undefined {
  const message = whole.slice(0, MAX_MESSAGE)
  const plain = withoutQuotes(message)
  if (says(plain)) return 'refused'
  return whole.length > MAX_MESSAGE || says(message) || mentions(plain) ? 'mentioned' : undefined
}

function mentions(text: string): boolean {
  return MENTIONED.some((form) => form.test(text))
}

function says(text: string): boolean {
  return REFUSED.some((form) => form.test(text))
}

/** The apostrophe in "don't" opens no quote, and none closes before a letter. */
function withoutQuotes(message: string): string {
  return message.replace(/(?<!\w)(?:'[^']*'|"[^"]*"|`[^`]*`)(?!\w)/g, ' ')
}
