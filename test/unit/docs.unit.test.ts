import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cloudTrailEntry } from '../../src/append/input/cloudtrail.js'
import { type InputEntry, parseInputLine } from '../../src/append/input/input-line.js'
import { ERROR_CODES } from '../../src/base/errors.js'
import { LIMITS } from '../../src/chain/limits.js'
import { EXIT_MEANINGS, exitOfError } from '../../src/cli/shell/exit-codes.js'
import { ROOT } from '../support/cli.js'
import { readSource, sourceFiles } from '../support/imports.js'

const page = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** The rows of a page's tables, as cells. */
function tableRows(markdown: string): string[][] {
  const lines = markdown.split('\n').filter((line) => /^\s*\|.*\|$/.test(line))
  return lines.map((line) =>
    line
      .trim()
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

const code = (cell: string | undefined) => /^`([^`]+)`$/.exec(cell ?? '')?.[1]

describe('docs/errors.md', () => {
  const rows = tableRows(page('docs/errors.md')).filter(([first]) => code(first) !== undefined)

  it('lists every error code once, and no other', () => {
    expect(rows.map(([first]) => code(first)).sort()).toEqual([...ERROR_CODES].sort())
  })

  it.each(ERROR_CODES)('gives %s its exit code and says when', (error) => {
    const [, exit, when] = rows.find(([first]) => code(first) === error) ?? []
    expect(exit).toBe(String(exitOfError(error)))
    expect(when).not.toBe('')
  })
})

describe('error codes', () => {
  const TABLES = ['src/base/errors.ts', 'src/cli/shell/exit-codes.ts']
  const sources = sourceFiles('src', 'commands')
    .filter((file) => !TABLES.includes(file))
    .map(readSource)

  it.each(ERROR_CODES)('%s is used', (error) => {
    expect(sources.some((source) => source.includes(`'${error}'`))).toBe(true)
  })
})

it('README has the exit codes of the program, with their meanings', () => {
  const [, section = ''] = page('README.md').split('\n## Exit codes\n')
  const [table = ''] = section.split('\n## ')
  const documented = tableRows(table).filter(([first]) => /^\d/.test(first ?? ''))
  expect(documented).toEqual(EXIT_MEANINGS.map(({ codes, meaning }) => [codes.join(', '), meaning]))
})

it('README names scripts that there are', () => {
  const { scripts } = JSON.parse(page('package.json')) as { scripts: object }
  const named = [...page('README.md').matchAll(/\bnpm (?:run )?(demo|test|(?<=run )\w+)/g)].map(
    ([, name]) => name,
  )
  expect(named).toContain('openapi')
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named))
})

/** The fenced blocks of a page whose info string is `info`. */
function fenced(markdown: string, info: string): string[] {
  return [...markdown.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === info)
    .map((match) => match[2] ?? '')
}

const entryOf = (json: string): InputEntry => parseInputLine(Buffer.from(json))

it('docs/cloudtrail.md: the event of the example is mapped to its entry', () => {
  const cloudtrail = page('docs/cloudtrail.md')
  const [event = ''] = fenced(cloudtrail, 'json event')
  const [entry = ''] = fenced(cloudtrail, 'json entry')
  expect(cloudTrailEntry(JSON.parse(event), 'example')).toEqual(entryOf(entry))
})

describe.each(['docs/input.md', 'docs/residency.md', 'README.md'])('%s', (path) => {
  const lines = page(path).match(/\{"subject_id":.*?\}(?=$|')/gm) ?? []

  it.each(lines)('%s is a line that append takes', (line) => {
    expect(entryOf(line).subjectId).not.toBe('')
  })

  it('has examples', () => expect(lines.length).toBeGreaterThan(0))
})

it('docs/input.md names every field of a line with its limit', () => {
  const rows = new Map(tableRows(page('docs/input.md')).map(([field, , limit]) => [code(field), limit ?? '']))
  const says = (field: string, text: string) => expect(rows.get(field), field).toContain(text)
  says('subject_id', `1 to ${LIMITS.subjectIdBytes} bytes`)
  says('relation', `1 to ${LIMITS.relationBytes} bytes`)
  says('object', `id 1 to ${LIMITS.objectIdBytes} bytes`)
  says('relation_path', `at most ${LIMITS.pathItems} items of 1 to ${LIMITS.pathItemBytes} bytes`)
  says('caveat_context', `at most ${LIMITS.caveatNames} names`)
  says('correlation_id', `at most ${LIMITS.correlationIdBytes} bytes`)
  says('zedtoken', `at most ${LIMITS.zedtokenBytes} bytes`)
  says('domain_ids', `1 to ${LIMITS.domainIds} of them`)
  says('subject.plaintext', `1 to ${LIMITS.plaintextBytes} bytes`)
  says('subject.email_claim', `1 to ${LIMITS.emailBytes} bytes`)
  says('subject.idp_claim_names', `at most ${LIMITS.claimNames} of 1 to ${LIMITS.claimNameBytes} bytes`)
  says('context.user_agent', `at most ${LIMITS.userAgentBytes} bytes`)
  says('context.metadata', `at most ${LIMITS.metadataBytes / 1024} KiB`)
})
