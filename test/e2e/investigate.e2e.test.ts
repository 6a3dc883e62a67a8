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
    expect(output).toMatch(/the last rows that were read, oldest first:\n +48 .*\n +49 /)
    expect(output).toMatch(/next: audit list --last 5 --domain \S+ --source mirror/)
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

interface Answer {
  readonly question: string
  /** What both answers show. */
  readonly shows: readonly RegExp[]
  /** The rows that both answers list. */
  readonly rows?: readonly number[]
  readonly ofBucket?: readonly RegExp[]
  readonly ofFile?: readonly RegExp[]
}

const FORGED = /^758 +damaged +2023-07-10T12:02:07\.000000Z +granted .* organizations:LeaveOrganization /m
/** The hash that the forged row has now, and the hash that it had, which is stored. */
const HASHES = [/de66cb8633ab4cc1639ec85c3a60db27/, /e8e6464d82ccb8d43206f06a09829a98/]
const FINDINGS = [
  /^DIVERGED .* 803 rows in /m,
  /^ {2}seq_gap +row 753: 1 missing before row 754$/m,
  /^ {2}entry_hash_mismatch +row 758: does not hash to its entry_hash$/m,
  ...HASHES,
  /^ +> +758 .* granted +damaged$/m,
  /^ +754 .* insufficient_relation +unlinked$/m,
]
const upTo = (last: number, first = 1, step = 1) =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step)

/** What each answer must show; a command that prints nothing of it answers nothing. */
const ANSWERS: readonly Answer[] = [
  { question: 'Is it intact?', shows: FINDINGS },
  {
    question: 'Is the end missing?',
    shows: [/row 61/],
    ofBucket: [
      /^ {2}unexpected_head +row 61: the pinned head 61 is not in the chain$/m,
      /rows 1 to 49 of mirror/,
    ],
    ofFile: [
      /the file ends with row 49, and the pin is for row 61: .* cannot show whether newer rows were removed/,
    ],
  },
  {
    question: 'Which rows are around the damage?',
    shows: [FORGED, /^754 +unlinked /m],
    rows: upTo(763, 754),
  },
  {
    question: 'What does row 760 hold?',
    shows: [
      /^recorded_at +2023-07-10T12:02:22\.000000Z$/m,
      /^reason +granted$/m,
      /^subject +f111ac6068476449[0-9a-f]{48}$/m,
      /^relation +ec2:CreateVpc$/m,
      /^object +service:ec2$/m,
      /^correlation_id +97963135-0021-41e5-a727-59ea49e2307a$/m,
      /^prev_hash +407d5b4a89602954[0-9a-f]{48}$/m,
      /^entry_hash +d4d4ce6230c2301c[0-9a-f]{48}$/m,
      /^canonical_bytes +UFhBM/m,
      /^proof +recomputes to entry_hash$/m,
    ],
  },
  {
    question: 'What was changed in row 758?',
    shows: HASHES,
    ofBucket: [/what the row held before cannot be known from the mirror alone; PostgreSQL can show it/],
    // The decision was turned into a grant; the reason of the denial is still in the relation_path.
    ofFile: [/^reason +granted$/m, /^relation_path 1 +error:AccessDenied$/m, /^proof +DOES NOT RECOMPUTE/m],
  },
  {
    question: 'What happened between two times?',
    shows: [FORGED, /from 2023-07-10T12:02:00\.000000Z to 2023-07-10T12:02:30\.000000Z/],
    rows: upTo(771, 756),
  },
  {
    question: 'What was denied between two times?',
    shows: [/^781 +ok +2023-07-10T12:02:47\.000000Z +insufficient_relation .* sts:AssumeRole /m],
    rows: upTo(798, 781),
  },
  { question: 'What was done to one object?', shows: [FORGED], rows: [758] },
  {
    question: 'What did one person do?',
    shows: [
      /^49 +ok .* insufficient_relation +81c33a704608d95b[0-9a-f]{48} +payment\.approve +payment:2023-1011 /m,
    ],
    rows: upTo(49, 4, 3),
  },
  {
    question: 'How many rows are there in each hour?',
    shows: [
      /^rows +803$/m,
      /^denied +52$/m,
      /^damaged +1$/m,
      /^unlinked +1$/m,
      /^2023-07-10T09:00:00Z +1 +0$/m,
      /^2023-07-10T11:00:00Z +698 +32$/m,
      /^2023-07-10T12:00:00Z +104 +20$/m,
    ],
  },
  {
    question: 'What can be shown to somebody else?',
    shows: [...FINDINGS, /803 rows selected, 803 listed$/m],
    ofFile: [/next: audit list --around 753 cloud\.tar$/m],
  },
]

/** Returns the seqs of the rows of a table, whose second column is the check. */
function listedSeqs(output: string): number[] {
  return [...output.matchAll(/^(\d+) +(?:ok|damaged|unlinked) /gm)].map(([, seq]) => Number(seq))
}

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
    expect(rows.map(([, question]) => question)).toEqual(ANSWERS.map(({ question }) => question))
    expect(rows).toHaveLength(11)
  })

  it.each(rows.map(([, question = '', , , ofBucket, ofFile = ofBucket]) => [question, ofBucket, ofFile]))(
    '%s ends with %s on the bucket and %s on the file',
    (question = '', ofBucket, ofFile) => {
      const statuses = answers.get(question)?.map(({ status }) => String(status))
      expect(statuses).toEqual([ofBucket, ofFile])
    },
  )

  it.each(ANSWERS)(
    '$question has this answer on both',
    ({ question, shows, rows: seqs, ofBucket = [], ofFile = [] }) => {
      const outputs = (answers.get(question) ?? []).map(({ output }) => output)
      expect(outputs).toHaveLength(2)
      for (const [i, output] of outputs.entries()) {
        for (const shown of [...shows, ...(i === 0 ? ofBucket : ofFile)]) expect(output).toMatch(shown)
        if (seqs !== undefined) expect(listedSeqs(output)).toEqual(seqs)
      }
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

  it('give two reports that show the forged row and its neighbours', () => {
    for (const name of ['bucket.html', 'cloud.html']) {
      const page = readFileSync(join(work, 'case', name), 'utf8')
      expect(page).toContain('There are 2 findings, the first at row 753.')
      expect(page).toContain('Row 758: The content of the row is not the content that was written')
      expect(page).toMatch(
        /<tr class="struck"><th scope="row" class="number">758<.*?granted.*?organizations:LeaveOrganization/,
      )
      expect(page).toContain('803 rows are selected; 52 of them were not granted')
    }
  })
})
