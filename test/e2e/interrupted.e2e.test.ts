import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finished, ROOT, spawnCli } from '../support/cli.js'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-interrupted-'))
  execFileSync('tar', ['-xzf', join(ROOT, 'docs/demo/case.tar.gz'), '-C', dir])
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('SIGINT amid a list of all rows', () => {
  it.each([
    ['one chain', ['--domain', 'cloud-account']],
    ['every chain', ['--all-chains']],
  ])('ends with 130, and says how far it came and that it is no verdict: %s', async (_name, chains) => {
    const mirror = pathToFileURL(join(dir, 'case/bucket')).href
    const words = ['list', '--all', '--json', ...chains, '--source', 'mirror', '--mirror', mirror]
    const child = await spawnCli(words, { env: { AUDIT_HOME: join(dir, 'home') } })
    // The pipe is full then, and the command waits amid the rows.
    await once(child.stdout, 'readable')
    child.kill('SIGINT')
    const { code, stderr } = await finished(child)
    expect(code).toBe(130)
    expect(stderr).toMatch(/^list: interrupted after [1-9]\d* rows: this is no verdict$/m)
  })
})
