import { audit, type Bench, createDomain, median, report, run } from './subject.js'

const ROUNDS = 15

/** Compares the start of a command with a Node.js that does nothing. */
export async function benchStart(bench: Bench): Promise<void> {
  const domainId = await createDomain(bench.home)
  const node: number[] = []
  const help: number[] = []
  const verify: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    node.push((await run(process.execPath, ['-e', '0'])).seconds)
    help.push((await audit(bench.home, ['--help'])).seconds)
    verify.push((await audit(bench.home, ['verify', '--domain', domainId])).seconds)
  }
  const bare = median(node)
  const ms = (seconds: number) => `${Math.round(seconds * 1000)} ms`
  report('audit --help', ms(median(help)), `node -e 0 ${ms(bare)}`, median(help) / bare, 'at most 3')
  report(
    'audit verify, 1 row',
    ms(median(verify)),
    `node -e 0 ${ms(bare)}`,
    median(verify) / bare,
    'at most 4.5',
  )
}
