import { join } from 'node:path'
import { type Extras, writeNdjson } from './input.js'
import { audit, type Bench, baseline, createDomain, median, report } from './subject.js'

const ROUNDS = 3

/**
 * Appends NDJSON, with the output in a file, against COPY of the same rows. The rows are appended without and with data
 * that are kept off the chain, in turns with COPY, each time to a new chain.
 */
export async function benchAppendCopy(bench: Bench, rows: number): Promise<void> {
  const seconds = { plain: [] as number[], full: [] as number[], copy: [] as number[] }
  for (let round = 0; round < ROUNDS; round += 1) {
    const plain = await timedAppend(bench, rows, {})
    seconds.plain.push(plain.seconds)
    seconds.copy.push(await timedCopy(bench, plain.domainId))
    seconds.full.push((await timedAppend(bench, rows, { subject: true, context: true })).seconds)
  }
  const copy = rows / median(seconds.copy)
  const line = (what: string, ours: readonly number[], target: string) => {
    const rate = rows / median(ours)
    const shown = `COPY with CHECKs, keys ${Math.round(copy)} rows/s`
    report(`append ${rows} rows ${what}`, `${Math.round(rate)} rows/s`, shown, rate / copy, target)
  }
  line('to a file', seconds.plain, 'at least 0.6')
  line('with contexts', seconds.full, 'no target')
}

/** Appends rows to a new chain, with the output in a file. The seconds are those of the whole process. */
async function timedAppend(bench: Bench, rows: number, extras: Extras) {
  const domainId = await createDomain(bench.home)
  const [input, output] = [join(bench.home, 'append.ndjson'), join(bench.home, 'append.out')]
  await writeNdjson(input, rows, extras)
  const args = ['append', '--domain', domainId, '--stdin', '--json']
  const { seconds } = await audit(bench.home, args, { input, output })
  return { domainId, seconds }
}

async function timedCopy(bench: Bench, domainId: string): Promise<number> {
  const { stdout } = await baseline('baseline-copy-in', [bench.url, domainId], { keepOutput: true })
  return Number(stdout)
}
