import type { ReadEntry, SeqRange } from '../../ports/query.js'
import { ChainFollower, followChains, lastSeq } from '../../query/follow.js'
import { assertKnown } from '../../query/list.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
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
  const ends = new Map<string, number>()
  for (const { reader, domainId } of chains.all) {
    await assertKnown(reader, domainId)
    ends.set(domainId, await lastSeq(reader, domainId))
  }
  const endOf = ({ domainId }: OpenChain) => ends.get(domainId) ?? 0
  const old = (chain: OpenChain): SeqRange => ({ ...range, upTo: endOf(chain) })
  const followers = chains.all.map(
    (chain) =>
      new ChainFollower(chain.reader, {
        domainId: chain.domainId,
        filter: chain.filter,
        after: Math.max(range.after, endOf(chain)),
        patience: chain.reader.copy?.name === 'mirror' ? MIRROR_PATIENCE : 0,
        onGap: (from, to) => noteGap(chain, from, to),
      }),
  )
  const rows = async function* (): AsyncGenerator<readonly ReadEntry[]> {
    if (before === 'all') for await (const row of chains.rows(old, signal)) yield [row]
    else if (before > 0) yield await lastRows(chains, old, before, signal)
    yield* followChains(followers, INTERVAL, signal)
  }
  await printLive(rows(), (row) => chains.judge(row), form, out)
}

function noteGap({ domainId, verifyWords }: OpenChain, from: number, to: number): void {
  const rows = from === to ? `row ${from} is` : `rows ${from} to ${to} are`
  note(`note: ${rows} missing in chain ${domainId}; run: ${verifyWords}`)
}
