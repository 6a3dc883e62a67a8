import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { CliDatabase } from '../support/append-process.js'
import { jsonLines, runProcess } from '../support/cli.js'
import { packageBefore } from '../support/package-before.js'
import { rowsOf, testDatabase } from '../support/postgres.js'

it('runs the package of the commit before: its command line, and its library', async () => {
  const { bin, library } = packageBefore()
  const test = await testDatabase({ migrated: false })
  const cli = new CliDatabase(test.url)
  const before = async (args: string[], input = '') => {
    const { code, stdout, stderr } = await runProcess([...args, '--json'], { bin, env: cli.env, input })
    expect([code, stderr]).toEqual([0, ''])
    return jsonLines(stdout)
  }
  await before(['db', 'migrate'])
  expect(await rowsOf(test.url, 'SELECT max(version) AS version FROM audit_schema_migration')).toEqual([
    { version: 14 },
  ])
  const [created] = (await before(['domain', 'create'])) as { domain_id: string }[]
  const domainId = created?.domain_id ?? randomUUID()
  const row = {
    domain_id: domainId,
    subject_id: 'user:1',
    relation: 'doc.read',
    object: 'doc:1',
    reason: 'granted',
  }
  expect(await before(['append', '--stdin'], `${JSON.stringify(row)}\n`)).toMatchObject([{ seq: 2 }])
  expect(await before(['verify', '--domain', domainId])).toMatchObject([{ ok: true }])
  expect(Object.keys(await import(library))).toContain('createSink')
  cli.remove()
  await test.drop()
})
