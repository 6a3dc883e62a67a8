import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../support/cli.js'

/** The commands that may create a home. Every other command creates nothing: no home, no database and no key. */
const MAY_CREATE = ['append', 'archive restore', 'archiver', 'db url', 'demo', 'domain create', 'serve']

it('lets exactly the commands that begin a log create a home', async () => {
  const files = readdirSync(join(ROOT, 'commands'), { recursive: true, encoding: 'utf8' })
  const creating: string[] = []
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const { default: command } = await import(join(ROOT, 'commands', file))
    if (command.mayCreateHome) creating.push(file.replace(/\.ts$/, '').replaceAll('/', ' '))
  }
  expect(creating.sort()).toEqual(MAY_CREATE)
})
