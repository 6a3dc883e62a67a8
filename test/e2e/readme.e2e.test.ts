import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt, ROOT, runCli } from '../support/cli.js'

/** The lines of a section that are there to be pasted, block by block. */
function blocks(title: string): string[][] {
  const section = readFileSync(join(ROOT, 'README.md'), 'utf8').split(`\n## ${title}\n`)[1] ?? ''
  const found = (section.split('\n## ')[0] ?? '').match(/(?:^ {4}\S.*\n)+/gm) ?? []
  return found.map((block) => block.trimEnd().replace(/^ {4}/gm, '').split('\n'))
}

const dir = mkdtempSync(join(tmpdir(), 'readme-'))
const home = join(dir, 'home')

interface Step {
  readonly line: string
  readonly status: number
  readonly output: string
}

/** Pastes lines into one shell, and tells what each of them said. */
function pasted(lines: readonly string[], env: Record<string, string>): Step[] {
  const steps = lines.map((line) => `echo\n${line}\necho "@@$?"`)
  const script = ['exec 2>&1', 'shopt -s expand_aliases', ...steps].join('\n')
  // What a machine of its own would have: nothing of whoever runs the tests.
  const stdout = execFileSync('/bin/bash', ['-s'], { cwd: ROOT, env, input: script, encoding: 'utf8' })
  const said = [...stdout.matchAll(/([\s\S]*?)@@(\d+)\n/g)]
  return lines.map((line, i) => ({
    line,
    status: Number(said[i]?.[2]),
    output: (said[i]?.[1] ?? '').trim(),
  }))
}

/** The one step whose line begins like this. */
function stepOf(steps: readonly Step[], start: string): Step {
  const found = steps.filter(({ line }) => line.startsWith(start))
  expect(found.map(({ line }) => line)).toHaveLength(1)
  return found[0] as Step
}

beforeAll(ensureBuilt)
afterAll(async () => {
  await runCli(['db', 'stop', '--home', home])
  rmSync(dir, { recursive: true, force: true })
})

describe('the walk-through of README.md, pasted into a shell', () => {
  const [, start = [], first = []] = blocks('Quick start')
  const [people = []] = blocks('Forgetting people')
  const [evidence = []] = blocks('Evidence files')
  /** From here on nothing is needed but the file. */
  const alone = evidence.slice(evidence.findIndex((line) => line.startsWith('tar ')))
  const file = join(dir, 'evidence.tar')
  let steps: Step[]

  it('appends, archives, erases, exports: each line ends with 0, but the one that asks for --confirm', () => {
    const env = { PATH: process.env.PATH ?? '', HOME: dir, TMPDIR: dir }
    const here = [`export AUDIT_HOME=${home}`, `cp "$EVIDENCE" ${file}`]
    const exporting = evidence.slice(
      0,
      evidence.findIndex((line) => line.startsWith('cd ')),
    )
    const all = [...start, ...here.slice(0, 1), ...first, ...people, ...exporting, ...here.slice(1)]
    steps = pasted(all, env)
    const refused = stepOf(steps, 'audit erase-identity --all --subject carol   ')
    expect(steps.filter(({ status }) => status !== 0)).toEqual([refused])
    expect(refused).toMatchObject({ status: 2, output: expect.stringMatching(/contexts +1\n/) })
  })

  it('the chain still verifies, and the name is gone', () => {
    const at = steps.findIndex(({ line }) => line.includes('--subject carol --confirm'))
    const after = steps.slice(at + 1)
    expect(stepOf(after, 'audit verify --all').output).toContain('2 intact, 0 diverged, 0 findings')
    const list = stepOf(after, 'audit list --subject-id carol')
    expect(list.output).toContain('"request_context":{}')
    expect(list.output).not.toContain('identity_id_ref')
    expect(JSON.stringify(after)).not.toMatch(/Carol C\.|192\.0\.2\.9/)
  })

  it('the evidence verifies on a machine that has neither database nor package', () => {
    const machine = join(dir, 'machine')
    const bin = join(machine, 'bin')
    mkdirSync(bin, { recursive: true })
    cpSync(file, join(machine, 'evidence.tar'))
    const said = (program: string, ...args: string[]) =>
      execFileSync(program, args, { encoding: 'utf8' }).trim()
    symlinkSync(said('which', 'tar'), join(bin, 'tar'))
    symlinkSync(said('python3', '-c', 'import sys; print(sys.executable)'), join(bin, 'python3'))
    symlinkSync(process.execPath, join(bin, 'node'))
    expect(alone).toHaveLength(3)
    const checked = pasted([`cd ${machine}`, ...alone], { PATH: bin })
    expect(checked.map(({ status }) => status)).toEqual([0, 0, 0, 0])
    const verdicts = checked.slice(2).map(({ output }) => /^intact .*$/m.exec(output)?.[0])
    expect(verdicts[0]).toMatch(/^intact {2}\d{4} rows, chain, head/)
    expect(verdicts[1]).toBe(verdicts[0])
  })
})
