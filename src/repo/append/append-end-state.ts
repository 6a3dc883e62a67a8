import { type EndState, undone } from '../session/end-state.js'
import type { AppendLedger, ChainWrites } from './append-ledger.js'
import { type Found, lookAt } from './append-look.js'

/**
 * Returns the end state of all that one transaction appended. Others may write before the look, and a lawful write is no
 * alarm: a later append only moves the head further, and what an erasure or a purge deletes is not missed once its row
 * follows on the chain. An erasure that only finds keys repeats the receipt of an earlier one, so a key is not missed
 * either where its subject was ever erased. All is one SELECT, so it sees such a row together with what it deleted.
 */
export function appendEndState<T>(ledger: () => AppendLedger): EndState<T> {
  return {
    query: () => {
      const { chains } = ledger()
      // Two thousand lookups of keys may cost more than jit_above_cost, and compiling takes longer than they do.
      return chains.length === 0 ? undefined : `SET LOCAL jit = off; ${lookAt(chains)}`
    },
    assert: (rows) => {
      const { chains } = ledger()
      const found = rows as unknown as readonly Found[]
      for (const chain of chains) {
        const problem = problemOf(
          chain,
          found.find((row) => row.domain_id === chain.domainId),
        )
        if (problem !== undefined) throw undone(describe(chains), `${problem} (chain ${chain.domainId})`)
      }
    },
    describe: () => describe(ledger().chains),
  }
}

function describe(chains: readonly ChainWrites[]): string {
  return chains
    .map(({ domainId, first, last }) => `${rowsText(first, last.entry.seq)} of chain ${domainId}`)
    .join(', ')
}

function rowsText(first: number, last: number): string {
  return first === last ? `row ${first}` : `rows ${first} to ${last}`
}

/** Returns what is not as it was written, to complete "and then …"; undefined where all is. */
function problemOf(chain: ChainWrites, found: Found | undefined): string | undefined {
  const { first, last, contexts, subjects, keys } = chain
  const seq = last.entry.seq
  const next = found?.next_seq ?? undefined
  if (found === undefined || next === undefined) return 'its head was gone'
  if (Number(next) <= seq) return `the head expected row ${next} next, and not row ${seq + 1} or a later one`
  if (Number(next) === seq + 1 && found.head_hash !== last.entry.entryHash)
    return `the head had another hash than row ${seq}`
  const written = seq - first + 1
  if (found.rows !== written) return `${found.rows} of ${written} rows were there`
  if (found.is_last !== true) return `row ${seq} had other values`
  if (found.is_erased) return undefined
  if (found.contexts < contexts) return `${found.contexts} of ${contexts} request contexts were there`
  if (found.subjects < subjects.size)
    return `the personal data of ${found.subjects} of ${subjects.size} subjects were there`
  if (found.keys < keys.length) return `${found.keys} of ${keys.length} idempotency keys were there`
  return undefined
}
