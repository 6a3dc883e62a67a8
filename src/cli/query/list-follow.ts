import type { ReadEntry, SeqRange } from '../../ports/query.js'
import { ChainFollower, type FollowStart, followChains, followStart } from '../../query/follow.js'
import type { Output } from '../output/output.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { EXIT, raiseExit } from '../shell/exit-codes.js'
import { lastRows } from './last-rows.js'
import type { OpenChain, OpenChains } from './open-chains.js'
import { printLive, type RowsForm } from './print-rows.js'

/** Milliseconds between two looks for new rows. */
const INTERVAL = 1_000
/** Milliseconds to wait for an upload that others have overtaken. */
const MIRROR_PATIENCE = 10_000

/** Prints the rows before, as many as `before` says, and then new rows as they come, until the signal aborts or the reader is gone. */
export async function runFollow(
  before: 'all' | number,
  { range, form }: { readonly range: SeqRange; readonly form: RowsForm },
  chains: OpenChains,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const starts = new Map<string, FollowStart>()
  for (const chain of chains.all) {
    const start = await chains.reading(chain, () => startOf(chains, chain))
    if (start !== undefined) starts.set(chain.domainId, start)
  }
  const old = ({ domainId }: OpenChain): SeqRange => ({ ...range, upTo: starts.get(domainId)?.last ?? 0 })
  const followers = new Map(
    chains.all.map((chain) => [chain.domainId, followerOf(chain, range, starts.get(chain.domainId))]),
  )
  const rows = async function* (): AsyncGenerator<readonly ReadEntry[]> {
    for await (const group of rowsBefore(before, old, chains, signal)) {
      for (const row of group) followers.get(row.domainId)?.passed(row)
      yield group
    }
    chains.noteLeftOut()
    yield* followChains([...followers.values()], INTERVAL, signal)
  }
  await printLive(rows(), (row) => chains.judge(row), form, out)
}

async function startOf(chains: OpenChains, chain: OpenChain): Promise<FollowStart> {
  const { reader, domainId } = chain
  await chains.assertHeld(chain)
  return followStart(reader, domainId)
}

async function* rowsBefore(
  before: 'all' | number,
  old: (chain: OpenChain) => SeqRange,
  chains: OpenChains,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  if (before === 'all') for await (const row of chains.rows(old, signal)) yield [row]
  else if (before > 0) yield await lastRows(chains, old, before, signal)
}

function followerOf(
  chain: OpenChain,
  { after }: SeqRange,
  { last, missing }: FollowStart = { last: 0, missing: [] },
): ChainFollower {
  return new ChainFollower(chain.reader, {
    domainId: chain.domainId,
    filter: chain.filter,
    after: Math.max(after, last),
    missing: missing.filter(({ to }) => to > after),
    patience: chain.reader.copy?.name === 'mirror' ? MIRROR_PATIENCE : 0,
    onGap: (from, to) => noteGap(chain, from, to),
    onProblem: ({ problem, isUnknown = false }) => {
      raiseExit(isUnknown ? EXIT.unable : EXIT.finding)
      note(safe`left out: ${problem}; run: ${chain.verifyWords}`)
    },
  })
}

function noteGap({ domainId, verifyWords }: OpenChain, from: number, to: number): void {
  const rows = from === to ? `row ${from} is` : `rows ${from} to ${to} are`
  note(safe`note: ${rows} missing in chain ${domainId}; run: ${verifyWords}`)
}
