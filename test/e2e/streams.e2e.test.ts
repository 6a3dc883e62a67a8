import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finished, jsonLines, spawnCli } from '../support/cli.js'
import { type FixtureCli, fixtureCli } from '../support/fixture-cli.js'

let fixture: FixtureCli

beforeAll(async () => {
  fixture = await fixtureCli()
})
afterAll(() => fixture.remove())

const start = (...args: string[]) => spawnCli(args, { bin: fixture.bin })

describe('stdout', () => {
  it('delivers 200,000 lines through a slow pipe in bounded memory, and the exit code', async () => {
    const child = await start('stream', '--lines', '200000', '--status', '1')
    const stderr = textOf(child.stderr)
    let lines = 0
    for await (const line of createInterface({ input: child.stdout })) {
      expect(line.startsWith(`{"i":${lines},`)).toBe(true)
      if (lines++ % 20_000 === 0) await sleep(50)
    }
    expect(lines).toBe(200_000)
    expect(await exitOf(child)).toBe(1)
    const [{ waiting }] = jsonLines(await stderr) as [{ waiting: number }]
    expect(waiting).toBeLessThan(256 * 1024)
  })

  it.each([
    { args: [], code: 0, written: 100_000 },
    { args: ['--status', '1'], code: 1, written: 100_000 },
    { args: ['--status', '3'], code: 3, written: 100_000 },
  ])('ends in order when its reader goes away, $args', async ({ args, code, written }) => {
    const child = await start('stream', '--lines', '100000', ...args)
    child.stdout.once('data', () => child.stdout.destroy())
    const stderr = await textOf(child.stderr)
    expect(jsonLines(stderr)).toMatchObject([{ written }])
    expect(await exitOf(child)).toBe(code)
  })

  it('stops a command that only prints when its reader goes away', async () => {
    const child = await start('stream', '--lines', '100000', '--until-closed')
    child.stdout.once('data', () => child.stdout.destroy())
    const [{ written }] = jsonLines(await textOf(child.stderr)) as [{ written: number }]
    expect(written).toBeLessThan(100_000)
    expect(await exitOf(child)).toBe(0)
  })

  it('may lose the reader of stderr without an effect', async () => {
    const child = await start('crash', '--how', 'audit')
    child.stderr.destroy()
    expect(await exitOf(child)).toBe(3)
  })
})

describe('signals', () => {
  it.each([
    { signal: 'SIGINT', code: 130, args: [] },
    { signal: 'SIGTERM', code: 143, args: [] },
    { signal: 'SIGINT', code: 1, args: ['--finding'] },
  ] as const)('stop in order at $signal, $args: $code', async ({ signal, code, args }) => {
    const child = await start('wait', ...args)
    await said(child, 'ready')
    const result = finished(child)
    child.kill(signal)
    const { stderr, stdout, ...end } = await result
    expect({ end, stdout, stderr }).toEqual({ end: { code, signal: null }, stdout: '', stderr: 'stopping\n' })
  })

  it('end the process at once when there are two', async () => {
    const child = await start('wait', '--deaf')
    await said(child, 'ready')
    child.kill('SIGTERM')
    const again = setInterval(() => child.kill('SIGTERM'), 50)
    expect(await exitOf(child)).toBe(143)
    clearInterval(again)
  })
})

async function said(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  const [chunk] = await once(child.stderr, 'data')
  expect(String(chunk)).toContain(text)
}

async function exitOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
