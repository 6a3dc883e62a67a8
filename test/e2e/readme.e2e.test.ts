import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../support/cli.js'
import { commandsOf, pasted, type Step, shellBlocks, stepOf } from '../support/pasted.js'

/** The shell blocks of README.md that this test does not run, by their first words. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci && npm run demo':
    'it installs the packages of the very clone that runs this test; cli.e2e runs the demo',
  'npm ci && npm test': 'it runs this test',
  'export AUDIT_DATABASE_URL=postgresql://admin@db/': 'it needs a PostgreSQL server of the reader',
}

/** The commands that end with another code than 0, by their first words. */
const NOT_ZERO: Readonly<Record<string, number>> = {
  'audit verify --source mirror --mirror "file://$AUDIT_HOME/evidence"  # 1': 1,
  'audit report --source mirror': 1,
  'audit erase-identity --all --subject carol   ': 2,
}

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const blocks = shellBlocks(readme)
const isRun = (block: string) => !Object.keys(NOT_RUN).some((start) => block.startsWith(start))

const dir = mkdtempSync(join(tmpdir(), 'readme-'))

/** Returns the processes that have `path` in their arguments or their environment. */
function processesOf(path: string): string[] {
  const { stdout } = spawnSync('ps', ['axeww', '-o', 'pid=,args='], { encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line.includes(path) && !line.includes('ps axeww'))
}

beforeAll(ensureBuilt)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('the shell blocks of README.md', () => {
  const file = join(dir, 'evidence.tar')
  let steps: Step[] = []

  it('end with the codes that the page says when they are pasted in order', () => {
    const env = { PATH: process.env.PATH ?? '', HOME: dir, TMPDIR: dir }
    const commands = blocks.filter(isRun).flatMap(commandsOf)
    const export_ = commands.findIndex((command) => command.startsWith('audit export'))
    commands.splice(export_ + 1, 0, `cp "$EVIDENCE" ${file}`)
    steps = pasted(commands, { dir, env, cwd: ROOT })
    const expected = commands.map((command) => {
      const [, status = 0] = Object.entries(NOT_ZERO).find(([start]) => command.startsWith(start)) ?? []
      return `${status} ${command}`
    })
    expect(steps.map(({ command, status }) => `${status} ${command}`)).toEqual(expected)
  })

  it('leave no process behind', () => {
    expect(processesOf(dir)).toEqual([])
  })

  it('are all run, except for the ones that are listed with a reason', () => {
    const skipped = blocks.filter((block) => !isRun(block))
    expect(skipped).toHaveLength(Object.keys(NOT_RUN).length)
    expect(blocks.length - skipped.length).toBeGreaterThan(7)
    expect(readme).not.toMatch(/^ {4}(audit|npm|export|curl) /m)
    for (const start of Object.keys(NOT_ZERO)) stepOf(steps, start)
  })

  it('name the row whose object was cut', () => {
    const { output } = stepOf(
      steps,
      'audit verify --source mirror --mirror "file://$AUDIT_HOME/evidence"  # 1',
    )
    expect(output).toMatch(/^DIVERGED .*\n.*\n.*\n +object_malformed {2}row 2: /m)
  })

  it('show what an erasure would delete before it is confirmed', () => {
    const { output } = stepOf(steps, 'audit erase-identity --all --subject carol   ')
    expect(output).toMatch(/contexts +1\n/)
  })

  it('leave a chain that verifies and does not name the erased person', () => {
    const at = steps.findIndex(({ command }) => command.includes('--subject carol --confirm'))
    const after = steps.slice(at + 1)
    const verified = after.find(({ command }) => command === 'audit verify --all')
    expect(verified?.output).toContain('2 intact, 0 diverged, 0 unproven, 0 findings')
    const list = stepOf(after, 'audit list --subject-id carol')
    expect(list.output).toContain('"request_context":{}')
    expect(list.output).not.toContain('identity_id_ref')
    expect(JSON.stringify(after)).not.toMatch(/Carol C\.|192\.0\.2\.9/)
  })

  it('make evidence that verifies on a machine that has neither database nor package', () => {
    const machine = join(dir, 'machine')
    const bin = join(machine, 'bin')
    mkdirSync(bin, { recursive: true })
    cpSync(file, join(machine, 'evidence.tar'))
    const output = (program: string, ...args: string[]) =>
      execFileSync(program, args, { encoding: 'utf8' }).trim()
    for (const program of ['tar', 'dirname']) symlinkSync(output('which', program), join(bin, program))
    symlinkSync(output('python3', '-c', 'import sys; print(sys.executable)'), join(bin, 'python3'))
    symlinkSync(process.execPath, join(bin, 'node'))
    const alone = steps
      .map(({ command }) => command)
      .filter((command) => /^(tar|node|python3) .*\$EVIDENCE/.test(command))
    expect(alone).toHaveLength(3)
    const checked = pasted(alone, {
      dir,
      env: { PATH: bin, EVIDENCE: join(machine, 'evidence.tar') },
      cwd: machine,
    })
    expect(checked.map(({ status }) => status)).toEqual([0, 0, 0])
    const verdicts = checked.slice(1).map(({ output: text }) => /^intact .*$/m.exec(text)?.[0])
    expect(verdicts[0]).toMatch(/^intact {2}\d{4} rows, chain, head/)
    expect(verdicts[1]).toBe(verdicts[0])
  })
})
