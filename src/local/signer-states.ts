import { mkdir, readdir, readFile, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { AuditError, errnoOf } from '../base/errors.js'
import { createFile, syncDirectory } from '../base/files/create-file.js'
import { utf8 } from '../chain/limits.js'
import type { SignerStates, StoredRecord } from '../ports/signer.js'

const NAME = /^([0-9]{20})\.json$/
/** Records of one tree that stay. */
const KEPT = 2

/**
 * The records of a signer below `<home>/signer/`, one folder for each tree (tlog.md, section 7). A record that was created is
 * durable, with its name.
 */
export function signerStates(home: string): SignerStates {
  const folderOf = (origin: string) => join(home, 'signer', bytesToHex(sha256(utf8(origin))))
  return {
    pathOf: (origin, k) => join(folderOf(origin), nameOf(k)),
    newest: (origin) => newest(folderOf(origin)),
    create: (origin, record) => create(folderOf(origin), record),
  }
}

async function newest(folder: string): Promise<StoredRecord | undefined> {
  for (;;) {
    const [k] = await numbersIn(folder)
    if (k === undefined) return undefined
    const text = await reading(folder, readFile(join(folder, nameOf(k)), 'utf8'))
    // Another process has removed the record, because it has created two higher ones.
    if (text !== undefined) return { k, text }
  }
}

async function create(folder: string, { k, text }: StoredRecord): Promise<boolean> {
  try {
    const isCreated = await createIn(folder, nameOf(k), utf8(text))
    const numbers = await numbersIn(folder)
    // A process that was stopped for long creates a record below the two highest. It is removed as well.
    await Promise.all(numbers.slice(KEPT).map((old) => unlink(join(folder, nameOf(old))).catch(ignoreAbsent)))
    return isCreated && numbers[0] === k
  } catch (error) {
    if (error instanceof AuditError) throw error
    throw unusable(folder, `a record cannot be created (${errnoOf(error)})`)
  }
}

async function createIn(folder: string, name: string, content: Uint8Array): Promise<boolean> {
  try {
    return await createFile(join(folder, name), content, 0o600)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // A power cut must not lose a folder with records that were relied on.
  await syncDirectory(dirname(folder))
  await syncDirectory(dirname(dirname(folder)))
  return createFile(join(folder, name), content, 0o600)
}

/** Returns the numbers of the records in a folder, highest first. Other names mean nothing. */
async function numbersIn(folder: string): Promise<number[]> {
  const names = (await reading(folder, readdir(folder))) ?? []
  return names
    .map((name) => Number(NAME.exec(name)?.[1] ?? Number.NaN))
    .filter((k) => Number.isSafeInteger(k))
    .sort((one, other) => other - one)
}

/** Resolves with undefined where the file or the folder does not exist. */
async function reading<T>(folder: string, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unusable(folder, `cannot be read (${errnoOf(error)})`)
  }
}

function nameOf(k: number): string {
  return `${String(k).padStart(20, '0')}.json`
}

function ignoreAbsent(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error
}

function unusable(folder: string, problem: string): AuditError {
  return new AuditError('signer_state_missing', `the state of the signer, ${folder}: ${problem}`)
}
