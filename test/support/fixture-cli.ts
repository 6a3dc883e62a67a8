import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, ROOT } from './cli.js'

export interface FixtureCli {
  /** A copy of bin/run.js. */
  readonly bin: string
  readonly root: string
  remove(): void
}

/**
 * Builds a command line of bin/run.js and dist/src, not bundled, around other commands: by default those of
 * test/fixtures/cli, which misbehave in every way. dist/bundle/src is a link, so they share the base command's one stdout
 * and exit status.
 */
export async function fixtureCli(commands = join(ROOT, 'test/fixtures/cli/commands')): Promise<FixtureCli> {
  await ensureBuilt()
  const root = mkdtempSync(join(tmpdir(), 'audit-cli-'))
  for (const path of ['bin', 'package.json']) cpSync(join(ROOT, path), join(root, path), { recursive: true })
  mkdirSync(join(root, 'dist/bundle'), { recursive: true })
  cpSync(commands, join(root, 'dist/bundle/commands'), { recursive: true })
  symlinkSync(join(ROOT, 'dist/src'), join(root, 'dist/bundle/src'))
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  makeManifest(root)
  return { root, bin: join(root, 'bin/run.js'), remove: () => rmSync(root, { recursive: true, force: true }) }
}

export function readManifest(root: string): unknown {
  return JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'))
}

function makeManifest(root: string): void {
  const script = join(ROOT, 'bin/manifest.js')
  const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`bin/manifest.js failed:\n${stderr}`)
}
