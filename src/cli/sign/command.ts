import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import type { NoLogKeys } from '../../compose/sign/log-key.js'
import { logKeySetting } from '../../compose/sign/log-key-setting.js'
import { openSignerStore } from '../../compose/sign/signer-store.js'
import { type Begins, Signing } from '../../compose/sign/signing.js'
import { Draining } from '../archive/draining.js'
import { CONCURRENCY } from '../archive/flags.js'
import { uploadDepsOf } from '../archive/upload-deps.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { CommandError } from '../shell/command-error.js'
import { type PassPrinter, reportOnce } from './pass.js'
import { nextStep } from './reasons.js'

/** The signer of one command, and how its results are printed. */
export interface SigningCommand {
  readonly signing: Signing
  readonly printer: PassPrinter
  /** What was archived of the platform chain. */
  readonly draining: Draining
}

/** Opens the signer of a command. Throws `usage` where signing is switched off, before a database is opened. */
export async function openSigning(
  context: Context,
  begins: Begins,
  { json, out }: { readonly json: boolean; readonly out: Output },
): Promise<SigningCommand> {
  if (logKeySetting(context).kind === 'off') throw noKeys('off')
  const deps = await uploadDepsOf(context, { concurrency: CONCURRENCY, init: undefined }, note)
  const draining = new Draining(deps)
  const signing = new Signing(context, { ...deps, drain: draining.again }, { begins })
  const printer = { json, out, given: deps.mirrors.given, reported: new Set<string>() }
  return { signing, printer, draining }
}

/** Reports why rows of the platform chain could not be archived, and so are not signed yet. */
export function reportDrained({ draining, printer }: SigningCommand): void {
  for (const { drained } of draining.chains)
    if (drained.error !== undefined) reportOnce(drained.error, printer)
}

/** Returns the error of a command that signs, and has no key. */
export function noKeys(reason: NoLogKeys['reason']): AuditError {
  const none = { domainId: '', size: 0, rows: 0, findings: [], reason }
  return reason === 'off'
    ? new CommandError('usage', 'signing is off: there is no log key', nextStep(none, {}))
    : new CommandError('log_key_unavailable', 'not signing: log.key is missing', nextStep(none, {}))
}

/** Throws `nothing_to_sign` where there is no platform chain, or no chain of this id. */
export async function assertSignable(context: Context, domainId: string | 'all'): Promise<void> {
  const store = await openSignerStore(context)
  if ((await store.createdChains()).length === 0)
    throw new AuditError('nothing_to_sign', 'there is no platform chain, so there is nothing to sign', {
      advice: { code: 'create_domain' },
    })
  if (domainId === 'all') return
  const chains = await store.growth(true)
  if (chains.some((chain) => chain.domainId === domainId)) return
  throw new AuditError('nothing_to_sign', `chain ${domainId} has no rows`, {
    advice: { code: 'list_domains' },
  })
}
