import { POLICY_BYTES, type Policy, parsePolicy } from '../../chain/note/policy.js'
import { AuditError } from '../errors.js'
import { readUpTo } from './read-input.js'

/** Reads a policy from a file, or from stdin for `-`. Rejects with `file_unreadable` and `policy_invalid`. */
export async function readPolicyFile(path: string): Promise<Policy> {
  return policyOf(await readUpTo(POLICY_BYTES, path))
}

/** Returns the policy that the bytes spell. Throws `policy_invalid` with the line. */
export function policyOf(bytes: Uint8Array): Policy {
  const policy = parsePolicy(bytes)
  if (!('problem' in policy)) return policy
  throw new AuditError('policy_invalid', `policy, line ${policy.line}: ${policy.problem}`)
}
