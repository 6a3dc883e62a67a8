import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cloudTrailEntry } from '../../src/append/input/cloudtrail/entry.js'
import { type InputEntry, parseInputLine } from '../../src/append/input/input-line.js'
import { ERROR_CODES } from '../../src/base/errors.js'
import type { ContextRow, RowCheck } from '../../src/chain/evidence/finding-evidence.js'
import type { Finding } from '../../src/chain/finding.js'
import { LIMITS } from '../../src/chain/limits.js'
import { EXIT_MEANINGS, exitOfError } from '../../src/cli/shell/exit-codes.js'
import { verdictText } from '../../src/cli/verify/text.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { ROOT } from '../support/cli.js'
import { readSource, sourceFiles } from '../support/imports.js'

const page = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Returns the rows of a page's tables, as cells. */
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

  it('lists every error code once, and no other code', () => {
    expect(rows.map(([first]) => code(first)).sort()).toEqual([...ERROR_CODES].sort())
  })

  it.each(ERROR_CODES)('gives the exit code of %s and says when it occurs', (error) => {
    const [, exit, when] = rows.find(([first]) => code(first) === error) ?? []
    expect(exit).toBe(String(exitOfError(error)))
    expect(when).not.toBe('')
  })
})

const PAGES = ['README.md', 'CHANGELOG.md', 'src/chain/FORMAT.md', ...markdownBelow('docs')]

/** Whether the npm package holds a file, by the entries of `files` in package.json. */
function isPacked(path: string): boolean {
  const { files } = JSON.parse(page('package.json')) as { files: string[] }
  const left = files.filter((entry) => entry.startsWith('!')).map((entry) => entry.slice(1).split('*'))
  if (left.some(([from = '', to = '']) => path.startsWith(from) && path.endsWith(to))) return false
  return path === 'README.md' || files.some((entry) => path === entry || path.startsWith(`${entry}/`))
}

describe.each(PAGES)('%s', (path) => {
  const text = page(path)
  const resolved = (target: string) => join(dirname(path), target)

  it('says of linked files that the npm package leaves out that it does', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, file = '']) => resolved(file))
    const isSaid = text.includes('The npm package leaves them out')
    expect(links.filter((file) => !isPacked(file)).length > 0).toBe(isSaid)
  })

  it('links only to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    const broken = links.filter(([, file = '', anchor]) => {
      const target = file === '' ? path : resolved(file)
      if (!existsSync(join(ROOT, target))) return true
      return anchor !== undefined && !anchorsOf(page(target)).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })

  it('names only files of this repository that exist', () => {
    const named = [...text.matchAll(/`((?:src|test|commands|migrations|docs)\/[\w./-]+)`/g)].map(
      ([, file = '']) => file,
    )
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })
})

/** Returns the Markdown files below a folder. */
function markdownBelow(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name))
}

/** Returns the anchors that GitHub makes of a page's headings. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  )
}

describe('docs/architecture.md', () => {
  const [, rooms = ''] = page('docs/architecture.md').split('\n## Rooms\n')
  const rows = tableRows(rooms.split('\n## ')[0] ?? '').slice(2)
  const FOLDERS = ['src/cli', 'src/compose', 'src', 'src/ports', 'src']
  const named = rows.flatMap(([, , ...cells]) =>
    cells.flatMap((cell, i) =>
      [...cell.matchAll(/`([\w./-]+)`/g)].map(([, name = '']) =>
        name.startsWith('src/') ? name : `${FOLDERS[i]}/${name}`,
      ),
    ),
  )

  it('names rooms that exist', () => {
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter((name) => !existsSync(join(ROOT, name)))).toEqual([])
  })

  it('names every room of the command line that serves a capability', () => {
    const shared = ['flags', 'output', 'shell']
    const rooms = readdirSync(join(ROOT, 'src/cli')).filter((name) => !shared.includes(name))
    expect(rooms.filter((name) => !named.includes(`src/cli/${name}/`))).toEqual([])
  })

  it('defines 34 words', () => {
    const [, glossary = ''] = page('docs/architecture.md').split('\n## Glossary\n')
    expect(tableRows(glossary).slice(2)).toHaveLength(34)
  })
})

describe('error codes', () => {
  const TABLES = ['src/base/errors.ts', 'src/cli/shell/exit-codes.ts']
  const sources = sourceFiles('src', 'commands')
    .filter((file) => !TABLES.includes(file))
    .map(readSource)

  it.each(ERROR_CODES)('include only codes that the sources use: %s', (error) => {
    expect(sources.some((source) => source.includes(`'${error}'`))).toBe(true)
  })
})

it('README.md lists the exit codes of the program with their meanings', () => {
  const [, section = ''] = page('README.md').split('\n## Exit codes\n')
  const [table = ''] = section.split('\n## ')
  const documented = tableRows(table).filter(([first]) => /^\d/.test(first ?? ''))
  expect(documented).toEqual(EXIT_MEANINGS.map(({ codes, meaning }) => [codes.join(', '), meaning]))
})

it('README.md names only scripts of package.json', () => {
  const { scripts } = JSON.parse(page('package.json')) as { scripts: object }
  const named = [...page('README.md').matchAll(/\bnpm (?:run )?(demo|test|(?<=run )\w+)/g)].map(
    ([, name]) => name,
  )
  expect(named).toContain('openapi')
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named))
})

/** Returns the fenced blocks of a page with the info string `info`. */
function fenced(markdown: string, info: string): string[] {
  return [...markdown.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === info)
    .map((match) => match[2] ?? '')
}

const entryOf = (json: string): InputEntry => parseInputLine(Buffer.from(json))

it('docs/cloudtrail.md shows the entry that its example event is mapped to', () => {
  const cloudtrail = page('docs/cloudtrail.md')
  const [event = ''] = fenced(cloudtrail, 'json event')
  const [entry = ''] = fenced(cloudtrail, 'json entry')
  expect(cloudTrailEntry(JSON.parse(event), 'example')).toEqual(entryOf(entry))
})

describe.each(['docs/input.md', 'docs/residency.md', 'README.md'])('%s', (path) => {
  const lines = page(path).match(/\{"subject_id":.*?\}(?=$|')/gm) ?? []

  it.each(lines)('shows %s, which append accepts', (line) => {
    expect(entryOf(line).subjectId).not.toBe('')
  })

  it('has examples', () => expect(lines.length).toBeGreaterThan(0))
})

it('docs/input.md lists every field of a line with its limit', () => {
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

/** Reads a line of the rows around a finding back. */
function shownRow(line: string): ContextRow[] {
  const [, seq, recorded_at, digest = '', relation, object, reason, check = 'ok'] =
    /^ {6}[> ] {2}(\d+) {2}(\S+) {2}(\S+)… {2}(\S+) +(\S+) {2}(\S+)(?: {2}(\S+))?$/.exec(line) ?? []
  if (recorded_at === undefined || relation === undefined || object === undefined || reason === undefined)
    return []
  const subject_pseudonym = digest.padEnd(64, '0')
  const fields = { recorded_at, subject_pseudonym, relation, object, reason }
  return [{ seq: Number(seq), copy: 'postgres', check: check as RowCheck, fields }]
}

it('shows in docs/images/finding.svg the text that verify prints', () => {
  const texts = [...page('docs/images/finding.svg').matchAll(/<text [^>]*>(.*)<\/text>/g)]
  const shown = texts.map(([, text = '']) => text.replaceAll(/<[^>]+>/g, '').replaceAll('\u00a0', ' '))
  const [, first, head, , expected, observed] = shown
  const hash = (line = '') => /[0-9a-f]{64}/.exec(line)?.[0] ?? ''
  const finding: Finding = {
    code: 'entry_hash_mismatch',
    seqFrom: 90,
    seqTo: 90,
    expected: hash(expected),
    observed: hash(observed),
    detail: 'does not hash to its entry_hash',
    context: shown.flatMap(shownRow),
  }
  const verdict: Verdict = {
    ok: false,
    domainId: first?.split('  ')[1] ?? '',
    source: 'postgres',
    segmentFrom: 1,
    segmentTo: 2901,
    rows: 2901,
    head: { seq: 2901, hash: hash(head) },
    end: 'unproven',
    findings: [finding],
    doubts: [],
    durationMs: 50,
  }
  expect(shown).toEqual(['$ audit verify', ...verdictText(verdict).split('\n'), '$ echo $?', '1'])
})
