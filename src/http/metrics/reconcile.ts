import { Counter, Gauge, type Registry } from 'prom-client'
import type { Figures } from '../../reconcile/figures.js'
import { type Described, type Labels, ofChain, type Sample } from './described.js'
import { SIGNED } from './signed.js'

const STATES = ['diverged', 'stalled', 'pending', 'degraded', 'ready'] as const

const alone = (value: number | undefined): readonly Sample[] => [[{}, value]]

/** Figures over all chains, however many there are. The alert rules use these. */
const OVERALL: readonly Described[] = [
  {
    name: 'audit_integrity_state',
    help: '1 for the state that /readyz reports, 0 for the other states.',
    labels: ['state'],
    samples: ({ state }) => STATES.map((one) => [{ state: one }, one === state ? 1 : 0]),
  },
  {
    name: 'audit_quarantine_findings',
    help: 'Records in the quarantine.',
    labels: ['code', 'acknowledged'],
    samples: ({ quarantined }) => quarantined.map((one) => [labelsOf(one), one.count]),
  },
  {
    name: 'audit_probe_errors_total',
    help: 'Checks that the probe could not complete, by error code.',
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
    help: 'Seconds within which the probe re-verifies every row.',
    samples: ({ settings }) => alone(settings.fullEvery / 1000),
  },
  { name: 'audit_chains', help: 'Chains.', samples: ({ chains }) => alone(chains.length) },
  {
    name: 'audit_chains_unchecked',
    help: 'Chains that currently cannot be checked.',
    samples: ({ chains }) => alone(chains.filter(({ isUncheckable }) => isUncheckable).length),
  },
  {
    name: 'audit_chains_pending',
    help: 'Chains that neither this process nor an earlier one has verified end to end.',
    samples: ({ chains }) => alone(chains.filter(({ fullAge }) => fullAge === undefined).length),
  },
  {
    name: 'audit_verified_age_max_seconds',
    help: 'Maximum of audit_chain_verified_age_seconds over all chains.',
    samples: ({ chains }) => alone(maxOf(chains.map(({ verifiedAge }) => verifiedAge))),
  },
  {
    name: 'audit_full_pass_age_max_seconds',
    help: 'Maximum of audit_chain_full_pass_age_seconds over all chains.',
    samples: ({ chains }) => alone(maxOf(chains.map(({ fullAge }) => fullAge))),
  },
  {
    name: 'audit_archive_lag_max_seconds',
    help: 'Maximum of audit_chain_archive_lag_seconds over all chains.',
    samples: ({ chains }) => alone(maxOf(chains.map(({ archiveLag }) => archiveLag))),
  },
  {
    name: 'audit_rows',
    help: 'Rows of all chains, by their heads. The rate of this metric is the rate of appends.',
    samples: ({ chains }) => alone(chains.reduce((sum, { rows }) => sum + rows, 0)),
  },
]

const OF_CHAINS: readonly Described[] = [
  ofChain(
    'audit_chain_rows',
    'Rows of the chain, by its head. The rate of this metric is the rate of appends.',
    ({ rows }) => rows,
  ),
  ofChain(
    'audit_chain_verified_seq',
    'Seq of the last row up to which the chain is verified.',
    ({ verifiedSeq }) => verifiedSeq,
  ),
  ofChain(
    'audit_chain_verified_age_seconds',
    'Seconds since every row of the chain was last known to be verified.',
    ({ verifiedAge }) => verifiedAge,
  ),
  ofChain(
    'audit_chain_full_pass_age_seconds',
    'Every row was recomputed within this many seconds.',
    ({ fullAge }) => fullAge,
  ),
  ofChain(
    'audit_chain_archive_lag_rows',
    'Rows from the first row that is not archived to the end of the chain.',
    ({ unarchived }) => unarchived,
  ),
  ofChain(
    'audit_chain_archive_lag_seconds',
    'Seconds since the first row that is not archived was recorded; 0 if every row is archived.',
    ({ archiveLag }) => archiveLag,
  ),
]

/** Registers metrics that are set at each scrape from the current `figures`, so that a scrape waits for nothing. */
export function reconcileMetrics(registry: Registry, figures: () => Figures): void {
  for (const { name, help, labels = [], samples } of [...OVERALL, ...OF_CHAINS, ...SIGNED]) {
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
          // Add up the samples: codes that the program does not know share one label.
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
