import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { ArchiveFixture } from '../support/archive-fixture.js'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'

/** Two archivers are killed at a time. */
const KILLS = 30

let fixture: ArchiveFixture

beforeEach(async () => {
  fixture = await ArchiveFixture.make()
})
afterEach(() => fixture.drop())

function env() {
  return { AUDIT_DATABASE_URL: fixture.url, AUDIT_MIRROR_URL: fixture.mirrorUrl }
}

const audit = (...args: string[]) => runCli(args, { env: env() })

/** Counts the objects. A killed archiver leaves drafts, whose names begin with a dot. */
async function countObjects(chains: readonly (readonly ChainedEntry[])[]): Promise<number> {
  const names = await Promise.all(chains.map(([first]) => fixture.objects(first?.domainId ?? '')))
  return names.flat().filter((name) => !name.startsWith('.')).length
}

it(`an archiver killed ${KILLS} times at random loses no row and changes no object`, async () => {
  const chains: ChainedEntry[][] = [await fixture.chain(3000), await fixture.chain(3000)]
  let died = 0
  for (let kills = 0; kills < KILLS; kills += 2) {
    // Two run at once: each finds the uploads that the other left unfinished.
    const children = await Promise.all([1, 2].map(() => spawnCli(['archiver', '--json'], { env: env() })))
    const ends = children.map(finished)
    const before = await countObjects(chains)
    while ((await countObjects(chains)) === before) await sleep(5)
    await sleep(Math.random() * 150)
    for (const child of children) child.kill('SIGKILL')
    died += (await Promise.all(ends)).filter(({ signal }) => signal === 'SIGKILL').length
    chains.push(await fixture.chain(400))
  }
  expect(died).toBe(KILLS)
  expect((await audit('archiver', '--once')).code).toBe(0)
  for (const rows of chains) expect(await fixture.problems(rows)).toEqual([])
  const status = await audit('archive', 'status', '--all', '--json')
  expect(status.code).toBe(0)
  for (const line of jsonLines(status.stdout)) {
    expect(line).toMatchObject({ lag_rows: 0, gaps: { count: 0 }, orphan_objects: { count: 0 } })
  }
  for (const [first] of chains.slice(0, 3)) {
    const both = await audit('verify', '--domain', first?.domainId ?? '', '--source', 'both')
    expect(both.code).toBe(0)
  }
})
