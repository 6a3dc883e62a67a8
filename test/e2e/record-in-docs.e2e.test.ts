import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPepperSource } from '../../src/pepper/open-pepper.js'
import { allFindings, storedRows, Writer } from '../support/append-chains.js'
import { ROOT } from '../support/cli.js'
import { rowsOf, type TestDatabase, testDatabase } from '../support/postgres.js'

const dir = mkdtempSync(join(tmpdir(), 'audit-record-in-'))
const pepper = `file://${dir}/pepper.key`

let database: TestDatabase
let writer: Writer

beforeAll(async () => {
  writeFileSync(join(dir, 'pepper.key'), randomBytes(32), { mode: 0o600 })
  database = await testDatabase()
  writer = new Writer(database.url, openPepperSource(pepper))
  await rowsOf(database.url, 'CREATE TABLE orders (id text PRIMARY KEY)')
})

afterAll(async () => {
  await writer.close()
  await database.drop()
  rmSync(dir, { recursive: true })
})

/** Returns the one block of the page that is marked as the example of a framework. */
function exampleOf(framework: string): string {
  const page = readFileSync(join(ROOT, 'docs/transactions.md'), 'utf8')
  const [block, ...more] = [
    ...page.matchAll(new RegExp(`^\`\`\`js ${framework}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')),
  ]
  expect(more).toEqual([])
  return block?.[1] ?? ''
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}

function startExample(framework: string, domainId: string, port: number): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', exampleOf(framework)], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      AUDIT_PEPPER: pepper,
      AUDIT_DOMAIN: domainId,
      PORT: String(port),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

async function order(port: number, body: object): Promise<{ status: number; body: string }> {
  for (let tries = 0; ; tries += 1) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: await response.text() }
    } catch (error) {
      if (tries > 200) throw error
      await sleep(50)
    }
  }
}

describe.each(['fastify', 'express'])('the example for %s', (framework) => {
  it('stores orders and audit rows together, and neither where one is refused', async () => {
    const domainId = await writer.create()
    const port = await freePort()
    const example = startExample(framework, domainId, port)
    const ended = new Promise((resolve) => example.once('exit', resolve))
    try {
      const ids = Array.from({ length: 5 }, (_, i) => `${framework}-${i}`)
      const answers = await Promise.all(ids.map((id) => order(port, { id, user: 'erin' })))
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
      const seqs = answers.map(({ body }) => (JSON.parse(body) as { audit_seq: number }).audit_seq)
      expect(seqs.toSorted()).toEqual([2, 3, 4, 5, 6])
      // An order that exists, and an entry that is refused.
      expect((await order(port, { id: ids[0], user: 'erin' })).status).toBe(500)
      expect((await order(port, { id: `${framework}-refused`, user: '' })).status).toBe(500)
      const orders = await rowsOf(database.url, 'SELECT id FROM orders WHERE id LIKE $1', [`${framework}%`])
      expect(orders.map(({ id }) => id).toSorted()).toEqual(ids)
      const rows = await storedRows(database.url, domainId)
      expect(
        rows
          .slice(1)
          .map(({ object }) => object)
          .toSorted(),
      ).toEqual(ids.map((id) => `order:${id}`))
    } finally {
      example.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
    expect(await allFindings(writer)).toEqual([])
  })
})
