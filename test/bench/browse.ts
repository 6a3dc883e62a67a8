import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { audit, type Bench, createDomain, median, RUN, report } from './subject.js'

const ROUNDS = 9

/** Seconds from the start of the process. */
interface Drawn {
  /** Until the first frame is on the terminal. */
  readonly frame: number
  /** Until the first row is on the terminal. */
  readonly row: number
}

/** Compares the first frame of the browser, and its first row, with the start of a command that reads nothing. */
export async function benchBrowse(bench: Bench): Promise<void> {
  const domainId = await createDomain(bench.home)
  await audit(bench.home, ['archiver', '--once', '--log-key', 'none'])
  const mirror = pathToFileURL(`${bench.home}/mirror`).href
  const chain = ['--domain', domainId]
  await benchSource('PostgreSQL', [...chain, '--home', bench.home])
  await benchSource('a mirror', [...chain, '--source', 'mirror', '--mirror', mirror])
}

async function benchSource(name: string, args: readonly string[]): Promise<void> {
  const versions: number[] = []
  const frames: number[] = []
  const rows: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    versions.push((await drawn(['--version'])).frame)
    const { frame, row } = await drawn(['browse', ...args])
    frames.push(frame)
    rows.push(row)
  }
  const bare = median(versions)
  const ms = (seconds: number) => `${Math.round(seconds * 1000)} ms`
  const base = `audit --version ${ms(bare)}`
  report(`audit browse, ${name}, frame`, ms(median(frames)), base, median(frames) / bare, 'at most 2')
  report(`audit browse, ${name}, rows`, ms(median(rows)), base, median(rows) / bare, 'at most 3')
}

/** Runs a command on a pseudo-terminal of util-linux, and ends it by its key. */
function drawn(args: readonly string[]): Promise<Drawn> {
  const command = [process.execPath, RUN, ...args].map((word) => `'${word}'`).join(' ')
  const begun = performance.now()
  const child = spawn('script', ['-qefc', `stty rows 24 cols 80; exec ${command}`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const seconds = () => (performance.now() - begun) / 1000
  let output = ''
  let frame: number | undefined
  let row: number | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
    frame ??= /read only|node-v/.test(output) ? seconds() : undefined
    if (row !== undefined || !output.includes('▸')) return
    row = seconds()
    child.stdin.end('q')
  })
  return new Promise((resolve) => {
    child.once('close', () => resolve({ frame: frame ?? Number.NaN, row: row ?? Number.NaN }))
  })
}
