import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../support/cli.js'
import { fixtureCli, readManifest } from '../support/fixture-cli.js'

it('oclif.manifest.json matches the built commands', async () => {
  const fresh = await fixtureCli(join(ROOT, 'dist/commands'))
  const manifest = readManifest(fresh.root)
  fresh.remove()
  expect(readManifest(ROOT), 'run: npm run build').toEqual(manifest)
})

describe('the tarball, installed elsewhere', () => {
  const dir = mkdtempSync(join(tmpdir(), 'audit-pack-'))
  const run = (program: string, args: readonly string[], cwd = dir) =>
    execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  let files: string[] = []

  beforeAll(async () => {
    await ensureBuilt()
    // Without scripts: `prepare` would rebuild the dist that another test may be running.
    const packed = run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir], ROOT)
    const [tarball] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[]
    files = tarball?.files.map(({ path }) => path) ?? []
    writeFileSync(
      join(dir, 'package.json'),
      JSON.stringify({ name: 'elsewhere', private: true, type: 'module' }),
    )
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(dir, tarball?.filename ?? '')])
  }, 300_000)
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('contains what runs, and no sources or tests', () => {
    const needed = [
      'bin/run.js',
      'oclif.manifest.json',
      'dist/bundle/src/cli/shell/main.js',
      'LICENSE',
      'README.md',
    ]
    expect(needed.filter((path) => !files.includes(path))).toEqual([])
    expect(files.some((path) => /^migrations\/\d{4}_.*\.sql$/.test(path))).toBe(true)
    const sources = files.filter((path) => /^(src|test|commands|dist\/test)\//.test(path))
    expect(files.filter((path) => path.endsWith('.png'))).toEqual([])
    expect(sources.sort()).toEqual([
      'src/chain/FORMAT.md',
      'src/cli/report/assets/report.css',
      'src/cli/report/assets/report.js',
    ])
  })

  it('runs the command line', () => {
    expect(run('npx', ['--no-install', 'audit', '--version'])).toMatch(/^audit-chain\/\d/)
    expect(
      run('npx', ['--no-install', 'audit', 'db', 'stop', '--json', '--home', join(dir, 'home')]),
    ).toContain('"stopped":false')
  })

  it('exports the library with its types', () => {
    const names = run('node', ['-e', 'import("audit-chain").then((m) => console.log(Object.keys(m).join()))'])
    expect(names).toContain('createSink')
    expect(files).toContain('dist/src/index.d.ts')
  })
})
