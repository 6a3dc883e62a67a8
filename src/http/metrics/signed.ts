import type { SignedState } from '../../ports/signer.js'
import type { Figures } from '../../reconcile/figures.js'
import { type Described, ofChain } from './described.js'

/** Seconds after which an archived row without a signature means that the signer refuses the chain or does not run. */
const REFUSED_AFTER = 15 * 60

const signedOf = (name: string, help: string, value: (signed: SignedState) => number) =>
  ofChain(name, `${help} By the index of signed heads.`, ({ signed }) =>
    signed === undefined ? undefined : value(signed),
  )

/** How far the chains are signed (tlog.md, section 11). A chain that was never signed has no series. */
export const SIGNED: readonly Described[] = [
  {
    name: 'audit_signer_refused',
    help: 'Signed chains with an archived row that has waited for a signature for over 15 minutes.',
    samples: ({ chains }: Figures) => [[{}, chains.filter(({ signed }) => isRefused(signed)).length]],
  },
  signedOf('audit_signed_seq', 'Seq of the last row below the newest signed head.', (one) => one.signedSeq),
  signedOf(
    'audit_signed_age_seconds',
    'Seconds since the newest head of the chain was signed. It grows while a chain has no new rows.',
    (one) => one.ageSeconds,
  ),
  signedOf(
    'audit_unsigned_rows',
    'Archived rows beyond the newest signed head of the chain.',
    (one) => one.unsignedRows,
  ),
]

function isRefused(signed: SignedState | undefined): boolean {
  return (signed?.waitingSeconds ?? 0) > REFUSED_AFTER
}
