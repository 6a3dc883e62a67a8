import { logPolicyText } from '../../chain/note/policy.js'
import { vkeyText } from '../../chain/note/vkey.js'
import type { Context } from '../../compose/context.js'
import { policyKeyOf } from '../../compose/sign/policy.js'
import type { Output } from '../output/output.js'

export interface LogPolicyOptions {
  readonly domainId: string
  readonly json: boolean
}

/** Prints a policy that trusts the key of one chain. Redirected into a file, the text is the policy. */
export async function runLogPolicy(
  { domainId, json }: LogPolicyOptions,
  context: Context,
  out: Output,
): Promise<void> {
  const { key, by } = await policyKeyOf(context, domainId)
  const policy = logPolicyText(key, by !== 'log')
  if (json) await out.json({ origin: key.name, vkey: vkeyText(key), key_id: key.id, by, policy })
  else await out.line(policy.trimEnd())
}
