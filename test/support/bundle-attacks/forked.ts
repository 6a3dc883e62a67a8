import { REASONS } from '../../../src/chain/reason.js'
import { FORKS, forkedChain } from '../attacks/forks.js'
import { type BundleAttack, foundIn } from './attack.js'
import { built, partsOf } from './bundle.js'

/** Bundles of chains that are forked, with manifests that fit. */
export const FORKED: readonly BundleAttack[] = FORKS.map((fork) => {
  const rows = forkedChain(fork).map((row) => ({ ...row, reason: REASONS[row.reason - 1] ?? 'granted' }))
  const findings = fork.findings.map(({ chain, ...finding }) => finding)
  return foundIn(`forked: ${fork.name}`, () => built(partsOf({ rows })), ...findings)
})
