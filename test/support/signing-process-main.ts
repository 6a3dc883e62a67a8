import type { SigningStep } from '../../src/signer/deps.js'
import { ArchiveFixture } from './archive-fixture.js'
import { SigningArchiver } from './signing-fixture.js'

/** Where a signing process sends itself a signal. */
export interface SignalPoint {
  readonly step: SigningStep
  readonly domainId: string
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** What a signing process does: one pass over some chains, as a new process. */
export interface SigningTask {
  readonly url: string
  readonly dir: string
  readonly only: readonly string[]
  readonly point?: SignalPoint
}

const task = JSON.parse(process.argv[2] ?? '{}') as SigningTask
let isDone = false
const afterStep = async (step: SigningStep, domainId: string) => {
  if (isDone || step !== task.point?.step || domainId !== task.point.domainId) return
  isDone = true
  process.kill(process.pid, task.point.signal)
}
const fixture = ArchiveFixture.at(task.url, task.dir)
const signer = new SigningArchiver(fixture, { deps: { afterStep } })
const results = await signer.pass({ only: new Set(task.only) })
process.stdout.write(JSON.stringify(results))
await signer.archiver.close()
