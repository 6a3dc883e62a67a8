import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { AuditError } from '../base/errors.js'
import { packageFolder } from '../base/package-folder.js'
import { FILE_NAMES } from './bundle-format.js'
import type { Member } from './write-bundle.js'

/** Returns the README and the verifiers of this package. */
export function bundleFiles(): Member[] {
  const folder = join(packageFolder(), 'docs', 'verifiers')
  return FILE_NAMES.map((name) => ({ name, content: read(join(folder, basename(name))) }))
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new AuditError('internal', `this copy of audit lacks docs/verifiers/${basename(path)}`, { cause })
  }
}
