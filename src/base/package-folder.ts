import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AuditError } from './errors.js'

/** Returns the folder of the package.json above this module, which is in src/, in dist/ or in node_modules. */
export function packageFolder(from = dirname(fileURLToPath(import.meta.url))): string {
  if (existsSync(join(from, 'package.json'))) return from
  const parent = dirname(from)
  if (parent === from) throw new AuditError('internal', 'found no package.json above the program')
  return packageFolder(parent)
}
