import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decompress } from '@mongodb-js/zstd'

/** Reads and decompresses every file of a folder, 64 at a time, and drops the content. */
const [folder = ''] = process.argv.slice(2)
const names = (await readdir(folder)).sort()
let next = 0
const work = async () => {
  while (next < names.length) {
    const name = names[next] ?? ''
    next += 1
    await decompress(await readFile(join(folder, name)))
  }
}
await Promise.all(Array.from({ length: 64 }, work))
