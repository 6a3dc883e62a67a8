import { logPolicyText } from '../../chain/note/policy.js'
import { vkeyText } from '../../chain/note/vkey.js'
import type { Context } from '../../compose/context.js'
import { actorPseudonym } from '../../compose/sign/actor.js'
import type { Output } from '../output/output.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { assertSignable, noKeys, openSigning, reportDrained } from './command.js'
import { printPass, runPass } from './pass.js'

export interface LogInitOptions {
  /** Whether to begin although rows name another platform key. */
  readonly confirm: boolean
  readonly json: boolean
}

/** Rows of a chain that are compared before its first signature: all of them. */
const NO_LIMIT = Number.POSITIVE_INFINITY

/**
 * Enrols every chain whose copies agree, signs, and prints the policy once a row names the key. Chains that are enrolled are skipped. The policy is all that
 * is printed on stdout as text, so that it can be redirected into a file. Resolves with the worst code of the chains.
 */
export async function runLogInit(
  { confirm, json }: LogInitOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const command = await openSigning(context, confirm ? 'beside' : 'asked', { json, out })
  const { signing, printer } = command
  await assertSignable(context, 'all')
  const by = await actorPseudonym(context)
  const pass = await runPass(signing, { maxRows: NO_LIMIT, ...(by !== undefined && { by }) }, signal)
  if (pass === undefined) return EXIT.done
  if ('reason' in pass) throw noKeys(pass.reason)
  if ('error' in pass) throw pass.error
  const code = await printPass(pass, { ...printer, isStdoutTaken: true })
  reportDrained(command)
  const { platformKey, isInitialised } = pass.keys
  // The key of a log that did not begin is no key to trust.
  if (!isInitialised) return code
  const policy = logPolicyText(platformKey, true)
  if (json) await out.json({ vkey: vkeyText(platformKey), key_id: platformKey.id, policy })
  else await out.line(policy.trimEnd())
  return code
}
