// Writes docs/demo/case.tar.gz, the case of docs/investigate.md, from what tsc wrote to dist. Run it after a change of
// test/support/demo-bucket. The archive is shipped, this script is not.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeCase } from '../dist/test/support/demo-bucket/bucket.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'audit-demo-case-'))
try {
  await writeCase(join(folder, 'case'))
  const same = ['--sort=name', '--mtime=2023-07-11T00:00:00Z', '--owner=0', '--group=0', '--numeric-owner']
  execFileSync('tar', [...same, '-czf', join(root, 'docs', 'demo', 'case.tar.gz'), 'case'], { cwd: folder })
} finally {
  rmSync(folder, { recursive: true })
}
