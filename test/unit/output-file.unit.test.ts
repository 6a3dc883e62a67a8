import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OutputFile } from '../../src/bundle/output-file.js'

/** A file system without links, like FAT. */
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  link: () => Promise.reject(Object.assign(new Error('link'), { code: 'EPERM' })),
}))

let dir: string
const path = () => join(dir, 'evidence.tar')
const written = (replace: boolean) => new OutputFile(path(), replace).write((file) => file.writeFile('new'))

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'output-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

it('names a file on a file system without links', async () => {
  await written(false)
  expect(readdirSync(dir)).toEqual(['evidence.tar'])
  expect(readFileSync(path(), 'utf8')).toBe('new')
})

it('replaces a file that was created meanwhile only if asked to', async () => {
  writeFileSync(path(), 'old')
  await expect(written(false)).rejects.toMatchObject({ code: 'output_exists' })
  expect(readFileSync(path(), 'utf8')).toBe('old')
  await written(true)
  expect(readFileSync(path(), 'utf8')).toBe('new')
  expect(readdirSync(dir)).toEqual(['evidence.tar'])
})
