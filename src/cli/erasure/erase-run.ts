import { sum } from '../../base/sum.js'
import type { Context } from '../../compose/context.js'
import { openErasurePorts } from '../../compose/erasure.js'
import { knownChainsOf } from '../../compose/known-chains.js'
import { eraseEverywhere } from '../../erasure/erase-everywhere.js'
import {
  type ErasurePorts,
  type ErasureReceipt,
  eraseIdentity,
  previewErasure,
} from '../../erasure/erase-identity.js'
import type { Person } from '../../erasure/person.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { type Cell, keyValues } from '../output/table.js'
import { CommandError } from '../shell/command-error.js'
import { reportFailure } from '../shell/failure.js'
import { previewJson, receiptJson } from './erase-json.js'
import { previewFields, receiptFields } from './erase-text.js'

export interface EraseOptions {
  readonly chain: string | 'all'
  readonly person: Person
  readonly block: boolean
  readonly confirm: boolean
  readonly json: boolean
}

/** Erases the person. Without `confirm`, prints what an erasure would delete and then rejects with `usage`. */
export async function runErase(
  options: EraseOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const run = new EraseRun(options, context, out, signal, await openErasurePorts(context))
  if (options.confirm) return run.erase()
  await run.preview()
  const hint = 'nothing was deleted; give --confirm to delete what is listed, permanently'
  throw new CommandError('usage', 'nothing was changed: --confirm is missing', hint)
}

class EraseRun {
  constructor(
    readonly options: EraseOptions,
    readonly context: Context,
    readonly out: Output,
    readonly signal: AbortSignal,
    readonly ports: ErasurePorts,
  ) {}

  async preview(): Promise<void> {
    await this.#onChains(
      async (found) => found,
      async (found) => {
        const shown = previewJson(found)
        await this.#print(shown, previewFields(shown))
      },
    )
  }

  async erase(): Promise<void> {
    const { chain, json } = this.options
    let erased: readonly ErasureReceipt[] = []
    const failed = await this.#onChains(
      ({ domainId }) => this.#eraseOn(domainId),
      async (receipt) => {
        erased = [...erased, receipt]
        const shown = receiptJson(receipt)
        await this.#print(shown, receiptFields(shown))
      },
    )
    if (chain !== 'all') return
    const summary = summarise(erased, failed)
    if (json) await this.out.json({ summary })
    else
      await this.out.line(
        `${summary.chains} chains: ${summary.mappings_deleted} mappings, ${summary.contexts_deleted} contexts deleted` +
          (failed > 0 ? `, ${failed} failed` : ''),
      )
  }

  #eraseOn(domainId: string): Promise<ErasureReceipt> {
    const { person, block } = this.options
    return eraseIdentity(this.ports, { domainId, person, block, actor: this.context.actor })
  }

  /** Resolves with the number of chains that failed. With one chain, rejects instead; with all, reports each failure. */
  async #onChains<T extends object>(
    work: (found: Awaited<ReturnType<typeof previewErasure>>) => Promise<T>,
    print: (done: T) => Promise<void>,
  ): Promise<number> {
    const { chain, person, json } = this.options
    const preview = (domainId: string) => previewErasure(this.ports, { domainId, person })
    if (chain !== 'all') {
      const found = await preview(chain)
      if (found.rows + found.mappings === 0) note('note: this chain holds nothing about this subject')
      await print(await work(found))
      return 0
    }
    let failed = 0
    const { domainIds } = await knownChainsOf(this.context)
    for await (const outcome of eraseEverywhere(domainIds, preview, work, this.signal)) {
      if ('done' in outcome) await print(outcome.done)
      else {
        failed += 1
        reportFailure(outcome.failed, json)
      }
    }
    return failed
  }

  async #print(value: unknown, fields: readonly (readonly [string, Cell])[]): Promise<void> {
    if (this.options.json) await this.out.json(value)
    else await this.out.line(keyValues(fields))
  }
}

function summarise(erased: readonly ErasureReceipt[], failed: number) {
  return {
    chains: erased.length + failed,
    failed,
    mappings_deleted: sum(erased, (receipt) => receipt.mappingsDeleted),
    contexts_deleted: sum(erased, (receipt) => receipt.contextsDeleted),
  }
}
