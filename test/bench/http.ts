import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { type Bench, median, report } from './subject.js'

/** Concurrent connections, and seconds of each round: enough to keep a core busy. */
const CONNECTIONS = 10
const SECONDS = 4
const ROUNDS = 3

const HEADERS = { authorization: 'Bearer bench' }

interface Round {
  readonly perSecond: number
  readonly p99: number
}

/** Compares lists and proofs with bare routes that run the same SQL, alternately; then measures lists during a verify. */
export async function benchHttp(bench: Bench, domainId: string): Promise<void> {
  const ours = await start('http-server', [bench.url])
  const bare = await start('baseline-http', [bench.url, domainId])
  const base = `${ours.url}/v1/domains/${domainId}/audit`
  const middle = Math.round(bench.rows / 2)
  try {
    await compare('HTTP list, 50 rows', `${base}/entries`, `${bare.url}/entries`)
    await compare('HTTP get with proof', `${base}/entries/${middle}`, `${bare.url}/entries/${middle}`)
    await duringVerify(base)
  } finally {
    ours.child.kill('SIGKILL')
    bare.child.kill('SIGKILL')
  }
}

async function compare(what: string, ours: string, bare: string): Promise<void> {
  const rounds: { ours: Round; bare: Round }[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    rounds.push({ bare: await load(bare), ours: await load(ours) })
  const perSecond = (of: 'ours' | 'bare') => median(rounds.map((round) => round[of].perSecond))
  const p99 = (of: 'ours' | 'bare') => median(rounds.map((round) => round[of].p99))
  const shown = (of: 'ours' | 'bare') => `${Math.round(perSecond(of))}/s, p99 ${p99(of)} ms`
  report(
    what,
    shown('ours'),
    `bare route: ${shown('bare')}`,
    perSecond('ours') / perSecond('bare'),
    'over 0.5',
  )
}

async function duringVerify(base: string): Promise<void> {
  const calm = await load(`${base}/entries`)
  const stop = new AbortController()
  let verifies = 0
  const verifying = (async () => {
    for (;;) {
      const answer = await fetch(`${base}/verify`, { method: 'POST', headers: HEADERS, signal: stop.signal })
      const { ok } = (await answer.json()) as { ok: boolean }
      if (!ok) throw new Error('the chain of the bench does not verify')
      verifies += 1
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  const busy = await load(`${base}/entries`)
  stop.abort()
  await verifying
  const shown = ({ perSecond, p99 }: Round) => `${Math.round(perSecond)}/s, p99 ${p99} ms`
  report(
    'HTTP list during a verify, p99',
    shown(busy),
    `alone: ${shown(calm)}, ${verifies} verified`,
    busy.p99 / calm.p99,
    'under 3',
  )
}

async function load(url: string): Promise<Round> {
  const options = { url, connections: CONNECTIONS, duration: SECONDS, headers: HEADERS }
  const { requests, latency, non2xx, errors } = await autocannon(options)
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx} answers that are not 200, ${errors} errors`)
  return { perSecond: requests.average, p99: latency.p99 }
}

async function start(name: string, args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.once('exit', () => reject(new Error(`${name} ended`)))
  })
  return { child, url }
}
