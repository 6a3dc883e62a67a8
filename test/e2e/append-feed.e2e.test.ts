import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliDatabase, chainLengths } from '../support/append-process.js'
import { jsonLines } from '../support/cli.js'
import { asSuperuser, type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
let cli: CliDatabase
let domainId: string

beforeAll(async () => {
  database = await testDatabase()
  cli = new CliDatabase(database.url)
  domainId = await cli.create()
})

afterAll(async () => {
  cli.remove()
  await database.drop()
})

const lineFor = (domain_id: string) => ({ subject_id: 'a', relation: 'r', object: 'o:1', domain_id })

describe('append --stdin while its input stays open', () => {
  it('acknowledges each line before it gets the next one', async () => {
    const process = await cli.appender()
    for (let i = 0; i < 5; i += 1) expect(await process.append(lineFor(domainId))).toBe(true)
    expect(process.acknowledged.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6])
    expect(await process.end()).toEqual({ code: 0, signal: null, stderr: '' })
  })

  it('ends at a bad line without waiting for the end of its input', async () => {
    const process = await cli.appender()
    expect(await process.append(lineFor(domainId))).toBe(true)
    process.feed({ nonsense: true })
    const { code, stderr } = await process.ended
    expect(code).toBe(2)
    expect(jsonLines(stderr)).toMatchObject([
      { error: { code: 'invalid_input', message: expect.stringContaining('line 2') } },
    ])
  })

  it('ends when the server goes away, without waiting for more input', async () => {
    const process = await cli.appender()
    expect(await process.append(lineFor(domainId))).toBe(true)
    await asSuperuser(database.url, `ALTER TABLE audit_log_entry RENAME TO elsewhere`)
    expect(await process.append(lineFor(domainId))).toBe(false)
    await asSuperuser(database.url, 'ALTER TABLE elsewhere RENAME TO audit_log_entry')
    expect(await process.ended).toMatchObject({ code: 3 })
  })
})

describe('append --rejects', () => {
  it('ends with 3, not 2, when a line is valid and its chain is damaged', async () => {
    const damaged = await cli.create()
    await asSuperuser(database.url, `DELETE FROM audit_log_chain_head WHERE domain_id = '${damaged}'`)
    const before = (await chainLengths(database.url)).get(domainId) ?? 0
    const input = [lineFor(domainId), { nonsense: true }, lineFor(damaged), lineFor(domainId)]
    const text = input.map((line) => `${JSON.stringify(line)}\n`).join('')
    const rejects = join(cli.keyFile, '..', 'rejects')
    const result = await cli.runWith(text, 'append', '--stdin', '--json', '--rejects', rejects)
    expect(result.code).toBe(3)
    expect(jsonLines(result.stderr)).toMatchObject([
      {
        error: {
          code: 'chain_conflict',
          message: expect.stringMatching(
            /^2 of 4 entries were refused, 2 rows appended; standard input, line 3: /,
          ),
        },
      },
    ])
    expect(jsonLines(result.stdout)).toMatchObject([{ seq: before + 1 }, { seq: before + 2 }])
    expect(jsonLines(await readFile(rejects, 'utf8'))).toEqual([input[1], input[2]])
  })
})
