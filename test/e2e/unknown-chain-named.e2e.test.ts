import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { insertDomain } from '../support/chain-rows.js'
import { jsonLines } from '../support/cli.js'
import { testDatabase } from '../support/postgres.js'

/** Returns the codes of all findings that `verify --all` prints. */
function codesIn(stdout: string): string[] {
  const verdicts = jsonLines(stdout) as { findings?: readonly { code: string }[] }[]
  return verdicts
    .flatMap(({ findings = [] }) => (Array.isArray(findings) ? findings : []))
    .map(({ code }) => code)
}

it('takes a chain that the platform chain did not create for known once an operator names it there', async () => {
  const database = await testDatabase()
  const cli = new CliDatabase(database.url)
  const mirror = mkdtempSync(join(tmpdir(), 'named-'))
  try {
    const stranger = randomUUID()
    // A program of an earlier version restored this Domain, and did not record it.
    const recordedAt = BigInt(Date.now() - 60_000) * 1_000n
    await cli.create()
    await insertDomain(database.url, stranger, [{ recordedAt }, { recordedAt }])
    await cli.create()
    const before = await cli.run('verify', '--all', '--json', '--no-quarantine')
    expect([before.code, codesIn(before.stdout)]).toEqual([1, ['chain_unknown']])
    expect(await cli.run('domain', 'name', '--domain', stranger, '--name', 'acme')).toMatchObject({ code: 0 })
    expect(await cli.run('verify', '--all')).toMatchObject({ code: 0 })
    const place = ['--mirror', pathToFileURL(mirror).href]
    expect(await cli.run('archiver', '--once', '--init-mirror', ...place)).toMatchObject({ code: 0 })
    expect(await cli.run('verify', '--all', '--source', 'mirror', ...place)).toMatchObject({ code: 0 })
  } finally {
    rmSync(mirror, { recursive: true })
    cli.remove()
    await database.drop()
  }
})
