import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './cli.js'

const PACKAGE = join(ROOT, 'test/fixtures/before/package.tar.gz')

/** The package of the last commit whose schema is 0014 (test/fixtures/before/README.txt). */
export interface PackageBefore {
  readonly root: string
  /** Its bin/run.js, to be run with Node.js. */
  readonly bin: string
  /** The path of its library, which exports `createSink`. */
  readonly library: string
}

/** Unpacks the package, once for all processes. It is below node_modules, so that it finds the modules of this repository. */
export function packageBefore(): PackageBefore {
  const hash = createHash('sha256').update(readFileSync(PACKAGE)).digest('hex').slice(0, 16)
  const cache = join(ROOT, 'node_modules', '.cache')
  const root = join(cache, `package-before-${hash}`)
  if (!existsSync(root)) unpack(cache, root)
  return { root, bin: join(root, 'bin/run.js'), library: join(root, 'dist/src/index.js') }
}

/** Unpacks aside and renames: another process may do the same, and its result is as good. */
function unpack(cache: string, root: string): void {
  mkdirSync(cache, { recursive: true })
  const draft = mkdtempSync(join(cache, 'package-before-draft-'))
  const { status, stderr } = spawnSync('tar', ['-xzf', PACKAGE, '-C', draft], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot unpack ${PACKAGE}:\n${stderr}`)
  try {
    renameSync(draft, root)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(root)) throw error
  }
}
