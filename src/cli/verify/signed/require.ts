import { AuditError } from '../../../base/errors.js'
import { parseDecimal } from '../../../chain/note/decimal.js'
import type { Policy } from '../../../chain/note/policy.js'
import { type Requirements, requiredBy } from '../../../verify/signed/requirements.js'
import { HOUR, parseDuration, SECOND } from '../../flags/duration.js'
import { flagValue } from '../../flags/flag-value.js'

/** Each axis that a list may name, and whether it has a value. */
const AXES: ReadonlyMap<string, 'never' | 'may' | 'must'> = new Map([
  ['copies', 'never'],
  ['signed', 'never'],
  ['witnessed', 'may'],
  ['max-age', 'must'],
])

/**
 * Returns what a run must prove: what `--require` lists, or else what the policy requires alone. Throws `usage` for an unknown
 * axis, for one that is named twice, and for one that needs a policy.
 */
export function parseRequire(list: string | undefined, policy: Policy | undefined): Requirements {
  return list === undefined ? requiredBy(policy) : flagValue('--require', () => requiredIn(list, policy))
}

function requiredIn(list: string, policy: Policy | undefined): Requirements {
  const axes = axesIn(list)
  if (policy === undefined && (axes.has('witnessed') || axes.has('max-age')))
    throw new AuditError('usage', 'witnessed and max-age need a policy, which names the witnesses', {
      advice: { code: 'give_policy' },
    })
  const [count, age] = [axes.get('witnessed'), axes.get('max-age')]
  return {
    copies: axes.has('copies'),
    signed: axes.has('signed'),
    ...(axes.has('witnessed') && { witnessed: witnessesIn(count, policy) }),
    ...(age !== undefined && { maxAge: parseDuration(age, { min: SECOND, max: 10_000 * HOUR }) }),
  }
}

/** Returns the axes of a list such as `signed,witnessed=2`, with their values. */
function axesIn(list: string): ReadonlyMap<string, string | undefined> {
  const axes = new Map<string, string | undefined>()
  for (const item of list.split(',')) {
    const [name = '', ...values] = item.trim().split('=')
    assertForm(name, values)
    if (axes.has(name)) throw new AuditError('usage', `${name} is named twice`)
    axes.set(name, values[0])
  }
  return axes
}

function assertForm(name: string, values: readonly string[]): void {
  const form = AXES.get(name)
  const mayHaveNone = values.length === 0 && form !== 'must'
  const mayHaveOne = values.length === 1 && form !== 'never'
  if (form !== undefined && (mayHaveNone || mayHaveOne)) return
  throw new AuditError('usage', 'expected a list of copies, signed, witnessed, witnessed=K, max-age=TIME')
}

function witnessesIn(text: string | undefined, policy: Policy | undefined): number | 'quorum' {
  if (text === undefined) return 'quorum'
  const count = parseDecimal(text, 1)
  const most = policy?.witnesses.length ?? 0
  if (count !== undefined && count <= most) return count
  throw new AuditError(
    'usage',
    `witnessed=K: expected a number from 1 to ${most}, the witnesses of the policy, got ${JSON.stringify(text)}`,
  )
}
