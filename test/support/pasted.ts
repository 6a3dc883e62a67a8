import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

/** A command of a page, with what it printed on both streams. */
export interface Step {
  readonly command: string
  readonly status: number
  readonly output: string
}

/** Returns the shell blocks of a page of Markdown. */
export function shellBlocks(page: string): string[] {
  return [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
}

/** Returns the commands of a block: its lines, with the lines of a here-document kept together. */
export function commandsOf(block: string): string[] {
  const commands: string[] = []
  let end: string | undefined
  for (const line of block.trimEnd().split('\n')) {
    if (end === undefined) commands.push(line)
    else commands.push(`${commands.pop()}\n${line}`)
    if (line === end) end = undefined
    else end ??= /<< '(\w+)'$/.exec(line)?.[1]
  }
  return commands
}

/** Runs the commands in one shell, in order. The shell's script goes to `dir`. */
export function pasted(
  commands: readonly string[],
  { dir, env, cwd }: { readonly dir: string; readonly env: Record<string, string>; readonly cwd: string },
): Step[] {
  const script = join(dir, 'pasted.sh')
  const steps = commands.map((command) => `${command}\necho "@@$?"`)
  writeFileSync(script, ['exec 2>&1', 'shopt -s expand_aliases', ...steps, ''].join('\n'))
  const { stdout } = spawnSync('/bin/bash', [script], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  })
  const results = [...stdout.matchAll(/([\s\S]*?)@@(\d+)\n/g)]
  return commands.map((command, i) => ({
    command,
    status: Number(results[i]?.[2] ?? Number.NaN),
    output: (results[i]?.[1] ?? '').trim(),
  }))
}

/** Returns the one step whose command begins with `start`. */
export function stepOf(steps: readonly Step[], start: string): Step {
  const found = steps.filter(({ command }) => command.startsWith(start))
  expect(found.map(({ command }) => command)).toHaveLength(1)
  return found[0] as Step
}
