import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runCli } from '../support/cli.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const root = mkdtempSync(join(tmpdir(), 'restore-foreign-'))
const urlOf = (name: string) => pathToFileURL(join(root, name)).href
let source: TestDatabase
/** The log whose mirror a Domain is restored from. It goes on. */
let other: CliDatabase
let domainId: string

beforeAll(async () => {
  source = await testDatabase()
  other = new CliDatabase(source.url)
  domainId = await other.create()
  const archived = await other.run('archiver', '--once', '--init-mirror', '--mirror', urlOf('other'))
  expect(archived).toMatchObject({ code: 0 })
})

afterAll(async () => {
  other.remove()
  await source.drop()
  rmSync(root, { recursive: true, force: true })
})

describe('a Domain that is restored from the mirror of another log', () => {
  it.each([
    ['that has archived before', true],
    ['that never archived', false],
  ])(
    'is copied to the mirror of a log %s, and nothing is written to the other one',
    async (_what, archives) => {
      const database = await testDatabase()
      const foreign = `foreign-${archives}`
      const own = `own-${archives}`
      cpSync(join(root, 'other'), join(root, foreign), { recursive: true })
      const run = (...words: string[]) =>
        runCli([...words, '--json'], { env: { ...other.env, AUDIT_DATABASE_URL: database.url } })
      const archive = (place: string, ...words: string[]) =>
        run('archiver', '--once', '--mirror', urlOf(place), ...words)
      try {
        expect(await run('domain', 'create')).toMatchObject({ code: 0 })
        if (archives) expect(await archive(own, '--init-mirror')).toMatchObject({ code: 0 })
        const restored = await run('archive', 'restore', '--domain', domainId, '--mirror', urlOf(foreign))
        expect(restored.code, restored.stderr).toBe(0)
        expect(restored.stderr).toMatch(/the archiver will refuse this mirror: .* is that of another log/)
        expect(restored.stderr).toContain('the rows have no archive stamps')

        const refused = await archive(foreign)
        expect([refused.code, refused.stderr.match(/mirror_mismatch/g)?.length]).toEqual([
          3,
          archives ? 2 : 3,
        ])
        expect(readdirSync(join(root, foreign, 'audit', PLATFORM_ANCHOR))).toHaveLength(2)
        const copied = await archive(own, ...(archives ? [] : ['--init-mirror']))
        expect(copied.code, copied.stderr).toBe(0)
        const verified = await run('verify', '--all', '--source', 'both', '--mirror', urlOf(own))
        expect([verified.code, jsonLines(verified.stdout).at(-1)]).toMatchObject([
          0,
          { summary: { intact: 3 } },
        ])
        const left = await other.run('verify', '--all', '--source', 'both', '--mirror', urlOf(foreign))
        expect(left).toMatchObject({ code: 0 })
      } finally {
        await database.drop()
      }
    },
  )
})
