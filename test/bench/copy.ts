import { type Bench, baseline, report } from './subject.js'

/** What the child measured: seconds of the clock, and seconds of its own CPU. */
interface Cost {
  readonly seconds: number
  readonly cpu: number
}

/** Measures COPY by pg's own messages against pg-copy-streams, in both directions, on the rows of one chain. */
export async function benchCopy(bench: Bench, domainId: string): Promise<void> {
  const { stdout } = await baseline('baseline-copy-streams', [bench.url, domainId], { keepOutput: true })
  const {
    rows,
    out,
    in: into,
  } = JSON.parse(stdout) as Record<'out' | 'in', Record<'ours' | 'streams', Cost>> & {
    readonly rows: number
  }
  const line = (what: string, { ours, streams }: Record<'ours' | 'streams', Cost>, target: string) => {
    const shown = ({ seconds, cpu }: Cost) =>
      `${Math.round(rows / seconds)} rows/s, ${((cpu / rows) * 1e6).toFixed(2)} µs CPU`
    report(
      `${what} ${rows} rows`,
      shown(ours),
      `streams ${shown(streams)}`,
      streams.seconds / ours.seconds,
      target,
    )
  }
  line('COPY out', out, 'at least 0.9')
  line('COPY in', into, 'at least 0.9')
}
