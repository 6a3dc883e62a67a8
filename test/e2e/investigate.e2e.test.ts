import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../support/cli.js'
import { TAMPERED, writeCase } from '../support/demo-bucket/bucket.js'
import { commandsOf, pasted, type Step, shellBlocks, stepOf } from '../support/pasted.js'

const PAGE = readFileSync(join(ROOT, 'docs', 'investigate.md'), 'utf8')
const ARCHIVE = join(ROOT, 'docs', 'demo', 'case.tar.gz')

const dir = mkdtempSync(join(tmpdir(), 'investigate-'))
const work = join(dir, 'work')
const bin = join(dir, 'bin')
/** A home that does not exist, and a database that nobody answers at: no command of the page needs either. */
const env = {
  PATH: `${bin}:${process.env.PATH ?? ''}`,
  HOME: dir,
  TMPDIR: dir,
  AUDIT_HOME: join(dir, 'no-home'),
  AUDIT_DATABASE_URL: 'postgresql://audit@127.0.0.1:1/none',
}

beforeAll(async () => {
  await ensureBuilt()
  mkdirSync(join(work, 'docs', 'demo'), { recursive: true })
  mkdirSync(bin)
  execFileSync('cp', [ARCHIVE, join(work, 'docs', 'demo')])
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'bin', 'run.js')}' "$@"\n`
  writeFileSync(join(bin, 'audit'), program)
  chmodSync(join(bin, 'audit'), 0o755)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** The code with which a command ends: the comment behind it, otherwise 0. */
function codeOf(command: string): number {
  return Number(/ # (\d+)$/.exec(command)?.[1] ?? 0)
}

/** Returns every file below a folder, with its content. */
function filesOf(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(files.map((name) => [name, readFileSync(join(folder, name))]))
}

const commands = shellBlocks(PAGE).flatMap(commandsOf)
let steps: Step[] = []

it('ships the case that its program makes', async () => {
  const [shipped, made] = [join(dir, 'shipped'), join(dir, 'made')]
  mkdirSync(shipped)
  execFileSync('tar', ['-xzf', ARCHIVE, '-C', shipped])
  await writeCase(join(made, 'case'))
  expect(filesOf(shipped)).toEqual(filesOf(made))
})

describe('the shell blocks of docs/investigate.md', () => {
  it('end with the codes that the page says when they are pasted in order', () => {
    steps = pasted(commands, { dir, env, cwd: work })
    expect(steps.map(({ status, command }) => `${status} ${command}`)).toEqual(
      commands.map((command) => `${codeOf(command)} ${command}`),
    )
  })

  it('find the two rows that somebody tampered with, and nothing else', () => {
    const { output } = stepOf(steps, 'audit verify --all --source mirror  ')
    expect([...output.matchAll(/^ {2}(\w+) +row (\d+):/gm)].map(([, code, row]) => `${code} ${row}`)).toEqual(
      [`seq_gap ${TAMPERED.removed}`, `entry_hash_mismatch ${TAMPERED.forged}`],
    )
    expect(output).toContain(`intact up to row ${TAMPERED.paymentsEnd}, recorded`)
  })

  it('find the end that was cut with the saved heads', () => {
    const { output } = stepOf(steps, 'audit verify --all --source mirror --expect-heads')
    expect(output).toMatch(/unexpected_head +row 61: the pinned head 61 is not in the chain/)
  })

  it('mark the forged row and the row after the missing one', () => {
    const { output } = stepOf(steps, 'audit list --source mirror --domain cloud-account --around 758')
    expect(output).toMatch(/^754 +unlinked /m)
    expect(output).toMatch(/^758 +damaged /m)
    expect(output.match(/^\d+ +damaged /gm)).toHaveLength(1)
  })

  it('create nothing but the files that they name', () => {
    expect(readdirSync(dir).filter((name) => name === 'no-home')).toEqual([])
    const created = ['bucket', 'cloud.tar', 'heads.ndjson', 'pepper.key', 'report.html']
    expect(readdirSync(join(work, 'case')).sort()).toEqual(created)
  })
})

describe('the eleven questions', () => {
  const rows = [...PAGE.matchAll(/^\| ([^|`]+\?) \| `([^`]+)` \| `([^`]+)` \| (\d)(?:, (\d))? \|$/gm)]
  const CASE = ['cd case', `export AUDIT_MIRROR_URL="file://$PWD/bucket"`]
  const PAYMENTS = 'audit export --source mirror --domain payments --output payments.tar'
  const answers = new Map<string, Step[]>()

  beforeAll(() => {
    const asked = rows.flatMap(([, , ofBucket = '', ofFile = '']) => [ofBucket, ofFile])
    const all = pasted([...CASE, PAYMENTS, ...asked], { dir, env, cwd: work }).slice(CASE.length + 1)
    rows.forEach(([, question = ''], i) => {
      answers.set(question, all.slice(2 * i, 2 * i + 2))
    })
  })

  it('are eleven', () => {
    expect(rows).toHaveLength(11)
  })

  it.each(rows.map(([, question = '', , , ofBucket, ofFile = ofBucket]) => [question, ofBucket, ofFile]))(
    '%s ends with %s on the bucket and %s on the file',
    (question = '', ofBucket, ofFile) => {
      const statuses = answers.get(question)?.map(({ status }) => String(status))
      expect(statuses).toEqual([ofBucket, ofFile])
    },
  )

  it.each([
    'Which rows are around the damage?',
    'What does row 760 hold?',
    'What happened between two times?',
    'What was denied between two times?',
    'What was done to one object?',
    'What did one person do?',
    'How many rows are there in each hour?',
  ])('%s has the same answer on both', (question) => {
    const [ofBucket, ofFile] = (answers.get(question) ?? []).map(({ output }) =>
      output.split('\n').filter((line) => !/^(note:|--domain |row \d+ )/.test(line)),
    )
    expect(ofBucket).toEqual(ofFile)
    expect(ofBucket?.length).toBeGreaterThan(1)
  })
})
