import type { KeyRoot } from '../../chain/log/key-book.js'
import type { Policy } from '../../chain/note/policy.js'
import type { Context } from '../context.js'

const policies = new WeakMap<Context, Promise<Policy | undefined>>()

/**
 * Returns the policy of the settings; undefined where they name none. The file is read once a run, because it may be a pipe. Rejects
 * with `file_unreadable` and `policy_invalid`.
 */
export function policyIn(context: Context): Promise<Policy | undefined> {
  const policy = policies.get(context) ?? readPolicy(context.settings.policy)
  policies.set(context, policy)
  return policy
}

async function readPolicy(path: string | undefined): Promise<Policy | undefined> {
  if (path === undefined) return undefined
  const { readPolicyFile } = await import('../../base/files/policy-file.js')
  return readPolicyFile(path)
}

/**
 * Returns where a verifier takes its keys from: the policy, or else log.vkey in the home, or else the log itself (tlog.md, section 3).
 * Opens no database. Rejects as `policyIn` does, and with `log_key_unavailable` for a log.vkey that cannot be read.
 */
export async function keyRootOf(context: Context): Promise<KeyRoot> {
  const policy = await policyIn(context)
  if (policy !== undefined) return { by: 'policy', keys: policy.logs }
  const { readVkeyFile } = await import('../../local/home-vkey.js')
  const key = await readVkeyFile(context.home)
  return key === undefined ? { by: 'log', keys: [] } : { by: 'home', keys: [key] }
}
