import type { ChainFigures, Figures } from '../../reconcile/figures.js'

/** Chains with series of their own: the first ones by domain id, so that the set does not change. */
export const MAX_CHAINS = 1_000

export type Labels = Readonly<Record<string, string>>
export type Sample = readonly [labels: Labels, value: number | undefined]

/** A metric, and how its samples follow from the figures. */
export interface Described {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly samples: (figures: Figures) => readonly Sample[]
}

/** Describes a metric with a series for each chain. */
export const ofChain = (
  name: string,
  help: string,
  value: (chain: ChainFigures) => number | undefined,
): Described => ({
  name,
  help: `${help} Reported for at most ${MAX_CHAINS} chains.`,
  labels: ['domain_id'],
  samples: ({ chains }: Figures): readonly Sample[] =>
    chains.slice(0, MAX_CHAINS).map((chain) => [{ domain_id: chain.domainId }, value(chain)]),
})
