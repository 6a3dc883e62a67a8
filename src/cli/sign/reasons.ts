import type { GivenMirrors } from '../../base/advice.js'
import { AuditError, type ErrorCode } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import { NOT_SIGNED, type NotSignedReason } from '../../signer/reasons.js'
import type { ChainSigned } from '../../signer/sign-chain.js'
import { chainWords } from '../flags/chain-words.js'
import { CommandError } from '../shell/command-error.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { hintOf } from '../shell/hints.js'
import { mirrorWords } from '../shell/mirror-words.js'
import { verifyWords } from '../shell/verify-words.js'

/** A chain that was not signed, and where its mirror is. */
interface Refused {
  readonly domainId: string
  readonly given: GivenMirrors
}

const verifyBoth = ({ domainId, given }: Refused) =>
  `run: ${verifyWords({ source: 'both', chain: domainId, given })}`
const inBothThenOver = (refused: Refused) => `${verifyBoth(refused)}; then see docs/signing.md, "Held rows"`
const INIT = 'run: audit log init'

/** What to do next about each reason (docs/signing.md has the same table). */
const NEXT = {
  off: () => 'give a key: --log-key and --log-name (AUDIT_LOG_KEY, AUDIT_LOG_NAME)',
  no_key: () => 'put log.key back from its backup; docs/signing.md says what to do where the key is lost',
  not_initialised: (refused) => (refused.domainId === PLATFORM_ANCHOR ? INIT : inBothThenOver(refused)),
  too_long: () => INIT,
  restoring: ({ domainId }) =>
    `wait for it, or run it again: audit archive restore ${chainWords(domainId)}, with the same --mirror and --mirror-map`,
  rows_held: () => 'run: audit quarantine list --all; then see docs/signing.md, "Held rows"',
  findings: inBothThenOver,
  copies_differ: verifyBoth,
  rolled_back: (refused) => `${verifyBoth(refused)}; then see docs/runbook.md, "Signed rows differ"`,
  conflict: () =>
    'find the machine that signs other rows with this key file: docs/signing.md, "Two archivers"',
  object_missing: ({ domainId, given }) =>
    `run: audit archive backfill ${chainWords(domainId)}${mirrorWords(given)}`,
  mirror_unreadable: () => 'check --mirror (AUDIT_MIRROR_URL); the next pass signs',
  state_missing: (refused) => `${verifyBoth(refused)}; then see docs/signing.md, "A lost state"`,
  state_unwritable: () => 'make the folder signer/ of the home usable: make room, or correct its permissions',
  not_permitted: () => 'grant the login the role audit_signer, and let it create objects below tlog/',
  key_mismatch: () => 'give the key file that this log was begun with: --log-key (AUDIT_LOG_KEY)',
} as const satisfies Record<NotSignedReason, (refused: Refused) => string>

/** The error code of each reason that could not be checked or is refused. A reason that an error gave has the code of the error. */
const CODES: Partial<Record<NotSignedReason, ErrorCode>> = {
  object_missing: 'mirror_mismatch',
  mirror_unreadable: 'mirror_unavailable',
  state_missing: 'signer_state_missing',
  state_unwritable: 'signer_state_missing',
  not_permitted: 'database_permission_denied',
  key_mismatch: 'key_mismatch',
}

/** The exit codes that a pass can end with because of a reason. */
const EXITS: Readonly<Record<number, ExitCode>> = { 1: EXIT.finding, 2: EXIT.refused, 3: EXIT.unable }

/** Returns the exit code of a reason; undefined for one that ends a pass as it would end without a key. */
export function exitOf(reason: NotSignedReason): ExitCode | undefined {
  return EXITS[NOT_SIGNED[reason]]
}

/** Returns what to do about a chain that was not signed. */
export function nextStep({ domainId, reason }: ChainSigned, given: GivenMirrors): string | undefined {
  return reason === undefined ? undefined : NEXT[reason]({ domainId, given })
}

/**
 * Returns the error of a chain that could not be signed, with the next command; undefined where nothing failed: the chain is signed,
 * waits for its operator, or has a divergence, which is a finding and no error.
 */
export function errorOf(chain: ChainSigned, given: GivenMirrors): AuditError | undefined {
  const { reason, error, message = '' } = chain
  const own = error instanceof AuditError ? error : undefined
  if (reason === undefined) return own
  const exit = exitOf(reason)
  const code = own?.code ?? CODES[reason]
  if (exit === undefined || exit === EXIT.finding || code === undefined) return undefined
  const hint = own === undefined ? undefined : hintOf(own)
  return hint === undefined || own === undefined
    ? new CommandError(code, message, nextStep(chain, given), error)
    : own
}
