import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { finished, jsonLines, runCli, spawnCli } from '../support/cli.js'
import { signedProblems } from '../support/signed-problems.js'
import { KEY_FILE, LOG_NAME, SigningFixture } from '../support/signing-fixture.js'

/** In each round, two archivers that sign and two signers are killed. */
const ROUNDS = 8

const CHECKPOINT = ['checkpoint', 'create', '--all', '--json']
const ARCHIVER = ['archiver', '--json', '--poll-interval', '0.1', '--checkpoint-interval', '1s']

let log: SigningFixture
beforeAll(async () => {
  log = await SigningFixture.make()
  await writeFile(join(log.log.dir, 'log.key'), KEY_FILE, { mode: 0o600 })
})
afterAll(() => log.drop())

function env() {
  return {
    AUDIT_DATABASE_URL: log.url,
    AUDIT_MIRROR_URL: log.log.mirrorUrl,
    AUDIT_HOME: join(log.log.dir, 'home'),
    AUDIT_LOG_KEY: pathToFileURL(join(log.log.dir, 'log.key')).href,
    AUDIT_LOG_NAME: LOG_NAME,
  }
}

const audit = (...args: string[]) => runCli(args, { env: env() })

/** Counts the objects of rows and the signed heads. */
async function written(): Promise<number> {
  const names = await readdir(new URL(log.log.mirrorUrl), { recursive: true })
  return names.filter((name) => !name.split('/').at(-1)?.startsWith('.')).length
}

/** Starts the four programs, lets them work for a while, and kills them. Resolves with how many a kill ended. */
async function killedRound(): Promise<number> {
  const children = await Promise.all(
    [ARCHIVER, ARCHIVER, CHECKPOINT, CHECKPOINT].map((args) => spawnCli(args, { env: env() })),
  )
  const ends = children.map(finished)
  const before = await written()
  while ((await written()) === before) await sleep(5)
  await sleep(Math.random() * 3_000)
  for (const child of children) child.kill('SIGKILL')
  return (await Promise.all(ends)).filter(({ signal }) => signal === 'SIGKILL').length
}

it(`two archivers and two signers killed in each of ${ROUNDS} rounds leave a log that is archived, signed and intact`, async () => {
  const chains = [await log.domain(200), await log.domain(200)]
  expect((await audit('archiver', '--once')).code).toBe(0)
  expect((await audit('log', 'init')).code).toBe(0)
  let isOver = false
  const appending = (async () => {
    for (let i = 0; !isOver; i += 1) await log.append(chains[i % chains.length] ?? '', 3)
  })()
  let died = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    // A chain that nobody has claimed: the claims of the killed archivers last for some seconds.
    chains.push(await log.domain(60))
    died += await killedRound()
  }
  isOver = true
  await appending
  // Each round kills at least the archivers.
  expect(died).toBeGreaterThanOrEqual(2 * ROUNDS)

  expect(await audit('archiver', '--once')).toMatchObject({ code: 0 })
  for (const domainId of chains) expect(await log.log.unstamped(domainId)).toEqual([])
  expect(await signedProblems(log)).toEqual([])
  const status = await audit('archive', 'status', '--all', '--json')
  expect(status.code).toBe(0)
  for (const line of jsonLines(status.stdout) as { rows: number }[])
    expect(line).toMatchObject({
      archived: line.rows,
      gaps: { count: 0 },
      orphan_objects: { count: 0 },
      signed_through: line.rows,
    })
  for (const source of ['postgres', 'mirror', 'both']) {
    const verified = await audit('verify', '--all', '--source', source)
    expect([source, verified.code], verified.stderr).toEqual([source, 0])
  }
})
