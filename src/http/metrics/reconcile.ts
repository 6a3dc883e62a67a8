import { Counter, Gauge, type Registry } from 'prom-client'
import type { ChainFigures, Figures } from '../../reconcile/figures.js'

/** Chains that have series of their own; the first ones by domain id, so that they stay the same ones. */
export const MAX_CHAINS = 1_000

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number | undefined]

interface Described {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly samples: (figures: Figures) => readonly Sample[]
}

const STATES = ['diverged', 'stalled', 'pending', 'degraded', 'ready'] as const

const alone = (value: number | undefined): readonly Sample[] => [[{}, value]]

/** Of all chains, however many there are: what the alert rules go by. */
const OVERALL: readonly Described[] = [
  {
    name: 'audit_integrity_state',
    help: '1 for the state that /readyz tells, 0 for the others.',
    labels: ['state'],
    samples: ({ state }) => STATES.map((one) => [{ state: one }, one === state ? 1 : 0]),
  },
  {
    name: 'audit_quarantine_findings',
    help: 'Records of the quarantine.',
    labels: ['code', 'acknowledged'],
    samples: ({ quarantined }) => quarantined.map((one) => [labelsOf(one), one.count]),
  },
  {
    name: 'audit_probe_errors_total',
    help: 'Times that the probe could not check something, by error code.',
    labels: ['code'],
    samples: ({ errors }) => [...errors].map(([code, count]) => [{ code }, count]),
  },
  {
    name: 'audit_probe_rows_total',
    help: 'Rows verified by the probe of this process.',
    labels: ['pass'],
    samples: ({ rows }) => Object.entries(rows).map(([pass, count]) => [{ pass }, count]),
  },
  {
    name: 'audit_probe_full_every_seconds',
    help: 'Within so many seconds every row is to be verified again.',
    samples: ({ settings }) => alone(settings.fullEvery / 1000),
  },
  { name: 'audit_chains', help: 'Chains.', samples: ({ chains }) => alone(chains.length) },
  {
    name: 'audit_chains_unchecked',
    help: 'Chains that cannot be checked at present.',
    samples: ({ chains }) => alone(chains.filter(({ isUncheckable }) => isUncheckable).length),
  },
  {
    name: 'audit_chains_pending',
    help: 'Chains that were not verified end to end yet by this process or the one before.',
    samples: ({ chains }) => alone(chains.filter(({ fullAge }) => fullAge === undefined).length),
  },
  {
    name: 'audit_verified_age_max_seconds',
    help: 'The greatest audit_chain_verified_age_seconds.',
    samples: ({ chains }) => alone(maxOf(chains.map(({ verifiedAge }) => verifiedAge))),
  },
  {
    name: 'audit_full_pass_age_max_seconds',
    help: 'The greatest audit_chain_full_pass_age_seconds.',
    samples: ({ chains }) => alone(maxOf(chains.map(({ fullAge }) => fullAge))),
  },
  {
    name: 'audit_archive_lag_max_seconds',
    help: 'The greatest audit_chain_archive_lag_seconds.',
    samples: ({ chains }) => alone(maxOf(chains.map(({ archiveLag }) => archiveLag))),
  },
  {
    name: 'audit_rows',
    help: 'Rows of all chains by their heads; its rate is that of appends.',
    samples: ({ chains }) => alone(chains.reduce((sum, { rows }) => sum + rows, 0)),
  },
]

const ofChain = (name: string, help: string, value: (chain: ChainFigures) => number | undefined) => ({
  name: `audit_chain_${name}`,
  help: `${help} Of at most ${MAX_CHAINS} chains.`,
  labels: ['domain_id'],
  samples: ({ chains }: Figures): readonly Sample[] =>
    chains.slice(0, MAX_CHAINS).map((chain) => [{ domain_id: chain.domainId }, value(chain)]),
})

const OF_CHAINS: readonly Described[] = [
  ofChain('rows', 'Rows by the chain head; its rate is that of appends.', ({ rows }) => rows),
  ofChain('verified_seq', 'The row up to which the chain is verified.', ({ verifiedSeq }) => verifiedSeq),
  ofChain(
    'verified_age_seconds',
    'Seconds since every row of the chain was last known to be verified.',
    ({ verifiedAge }) => verifiedAge,
  ),
  ofChain(
    'full_pass_age_seconds',
    'Every row was recomputed within so many seconds.',
    ({ fullAge }) => fullAge,
  ),
  ofChain(
    'archive_lag_rows',
    'Rows from the first that is not archived to the end.',
    ({ unarchived }) => unarchived,
  ),
  ofChain(
    'archive_lag_seconds',
    'Age of the first row that is not archived; 0 without one.',
    ({ archiveLag }) => archiveLag,
  ),
]

/** Set when they are scraped, from what `figures` holds then: a scrape waits for nothing. */
export function reconcileMetrics(registry: Registry, figures: () => Figures): void {
  for (const { name, help, labels = [], samples } of [...OVERALL, ...OF_CHAINS]) {
    const Metric = name.endsWith('_total') ? Counter : Gauge
    registry.registerMetric(
      new Metric({
        name,
        help,
        labelNames: [...labels],
        registers: [],
        collect() {
          this.reset()
          if (labels.length === 0) this.remove()
          // Added up: codes that the program does not know are all one.
          for (const [own, value] of samples(figures())) if (value !== undefined) this.inc(own, value)
        },
      }),
    )
  }
}

function labelsOf({ code, acknowledged }: Figures['quarantined'][number]): Labels {
  return { code, acknowledged: String(acknowledged) }
}

function maxOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.max(a, b))
}
