import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openInstallation } from '../../src/cli/browse/open.js'
import { frameOf } from '../../src/cli/browse/views/frame.js'
import { DomainNames } from '../../src/cli/flags/names.js'
import { Context } from '../../src/compose/context.js'
import { frameSvg } from '../support/browse/frame-svg.js'
import { BrowseSession } from '../support/browse/session.js'
import { ROOT } from '../support/cli.js'

const CLOUD = '01893f5e-7c00-7000-8000-00000000c10d'

let dir: string
let context: Context
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-images-'))
  execFileSync('tar', ['-xzf', join(ROOT, 'docs/demo/case.tar.gz'), '-C', dir])
  const mirror = pathToFileURL(join(dir, 'case/bucket')).href
  context = new Context({ mirror, home: join(dir, 'home') }, new AbortController().signal, {})
})
afterAll(async () => {
  await context.close()
  rmSync(dir, { recursive: true, force: true })
})

/** `vitest -u` draws the pictures again. */
describe('the pictures of browse', () => {
  it.each([
    {
      name: 'browse-80.svg',
      size: { columns: 80, rows: 24 },
      keys: ['v', ':', '7', '5', '8', 'enter'],
      label: 'audit browse: row 758 was changed, and a row is missing before row 754',
    },
    {
      name: 'browse-200.svg',
      size: { columns: 200, rows: 24 },
      keys: ['v', 'f', 'j'],
      label: 'audit browse: the findings of a chain, and the rows around row 758',
    },
  ])('$name shows what the browser draws', async ({ name, size, keys, label }) => {
    const chainNames = new DomainNames(
      { source: 'mirror', path: undefined, file: undefined },
      async () => context,
    )
    const data = { ...openInstallation(context, 'mirror', { chainNames }), place: 'file:///tmp/case/bucket' }
    const session = new BrowseSession(data, size, CLOUD)
    await session.press(...keys)
    await expect(frameSvg(frameOf(session.state), size.columns, label)).toMatchFileSnapshot(
      join(ROOT, 'docs/images', name),
    )
  })
})
