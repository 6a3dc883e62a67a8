import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AuditError } from '../../../src/base/errors.js'
import { nodeHasher } from '../../../src/base/node-hasher.js'
import { type BundleVerdict, verifyBundle } from '../../../src/bundle/verify-bundle.js'
import { bundleResult } from '../../../src/cli/bundle/json.js'
import { parsePin } from '../../../src/cli/flags/pins.js'
import { exitOfError } from '../../../src/cli/shell/exit-codes.js'
import { wireFinding } from '../../../src/json/finding.js'

/** The result of one verifier for one file. */
export interface Said {
  readonly exit: number | null
  /** The code of the error; undefined where there was none. */
  readonly error?: string | undefined
  /** The verify result that was printed. */
  readonly result?: Record<string, unknown> | undefined
  readonly stderr: string
}

/** Arguments of a verifier, the file first. */
export type Run = readonly string[]

/** Each verifier takes many runs, and returns the result of each. */
export const VERIFIERS: Readonly<Record<string, (runs: readonly Run[]) => Promise<Said[]>>> = {
  product: (runs) => Promise.all(runs.map(product)),
  'plain Node': async (runs) => batch(process.execPath, 'run-node.mjs', runs),
  // Python is under test: where it is missing, the tests fail.
  'plain Python': async (runs) => batch('python3', 'run-python.py', runs),
}

async function product([path = '', ...args]: Run): Promise<Said> {
  try {
    const at = args.indexOf('--expect-head')
    const pins = at < 0 ? [] : [parsePin(args[at + 1] ?? '')]
    const request = { path, pinsOf: () => pins, allowFiltered: args.includes('--allow-filtered') }
    const signal = new AbortController().signal
    const verdict = await verifyBundle(request, nodeHasher, () => undefined, signal)
    const { ok, shortfall } = verdict
    const exit = shortfall === undefined ? (ok ? 0 : 1) : exitOfError(shortfall.code)
    return { exit, error: shortfall?.code, result: plainResult(verdict), stderr: '' }
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    return { exit: exitOfError(error.code), error: error.code, stderr: error.message }
  }
}

/** Returns the keys that the two small verifiers print too. They neither time the run nor show the rows around a finding. */
function plainResult(verdict: BundleVerdict): Record<string, unknown> {
  const { stats, divergent_seq, expected_hash, observed_hash, ...rest } = bundleResult(verdict)
  const { end, pinned_through, first_recorded_at, last_recorded_at, ...result } = rest
  return { ...result, findings: verdict.findings.map(wireFinding) }
}

interface Printed {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

function batch(program: string, driver: string, runs: readonly Run[]): Said[] {
  const input = runs.map((run) => `${JSON.stringify(run)}\n`).join('')
  const path = fileURLToPath(new URL(driver, import.meta.url))
  const lines = execFileSync(program, [path], { input, encoding: 'utf8', maxBuffer: 1e9, stdio: 'pipe' })
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => said(JSON.parse(line)))
}

function said({ exit, stdout, stderr }: Printed): Said {
  const result = stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>)
  return { exit, error: errorOf(stderr, exit), result, stderr }
}

function errorOf(stderr: string, exit: number | null): string | undefined {
  if (/^PARTIAL: the pinned row/m.test(stderr)) return 'pin_not_held'
  if (/^PARTIAL/m.test(stderr)) return 'bundle_filtered'
  return exit === 2 ? 'usage' : /^Error: (?:\d )?([a-z_]+)/m.exec(stderr)?.[1]
}
