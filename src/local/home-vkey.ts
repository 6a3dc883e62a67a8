import { constants } from 'node:fs'
import { lstat, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AuditError, errnoOf } from '../base/errors.js'
import { createFile } from '../base/files/create-file.js'
import { parseOrigin } from '../chain/log/origin.js'
import { KEY_TYPE, parseVkey, type VerifierKey, vkeyText } from '../chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'

/** Returns the path of the file that holds the vkey of a home's platform chain (tlog.md, section 3). */
export function vkeyPath(home: string): string {
  return join(home, 'log.vkey')
}

/**
 * Returns the platform key in `log.vkey` of a home; undefined where there is no such file, or the home may not be entered.
 * Rejects with `log_key_unavailable` for a file that cannot be read or holds something else: a reader must not fall back to
 * a weaker source of keys because a file is damaged.
 */
export async function readVkeyFile(home: string): Promise<VerifierKey | undefined> {
  const path = vkeyPath(home)
  if (!(await isThere(path))) return undefined
  const text = await readStart(path).catch((error: unknown) => {
    throw unusable(path, `cannot be read (${errnoOf(error)})`)
  })
  const key = parseVkey(text.replace(/\n$/, ''))
  if (key?.type !== KEY_TYPE.ed25519 || parseOrigin(key.name)?.domainId !== PLATFORM_ANCHOR)
    throw unusable(path, 'expected the vkey of a platform chain and a newline')
  return key
}

/**
 * Writes `log.vkey` of a home, unless the home has one. Returns the key that the file then holds. An existing file is never
 * changed. Rejects with `log_key_unavailable`.
 */
export async function createVkeyFile(home: string, key: VerifierKey): Promise<VerifierKey> {
  const before = await readVkeyFile(home)
  if (before !== undefined) return before
  const path = vkeyPath(home)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await createFile(path, Buffer.from(`${vkeyText(key)}\n`), 0o644)
  } catch (error) {
    throw unusable(path, `cannot be made (${errnoOf(error)})`)
  }
  return (await readVkeyFile(home)) ?? key
}

/** More than a vkey has: a name of 165 bytes, the key id and 44 characters of base64. */
const MOST_BYTES = 1024

async function readStart(path: string): Promise<string> {
  // Without O_NONBLOCK, opening a FIFO that has no writer would hang.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await file.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    // A process that may not enter the home has no home: another database is then not refused because of it.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error))) return false
    throw unusable(path, `cannot be read (${errnoOf(error)})`)
  }
}

function unusable(path: string, problem: string): AuditError {
  return new AuditError('log_key_unavailable', `vkey file ${path}: ${problem}`)
}
