import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { BenchChains, PARTS } from './parts.js'
import { audit, scratch } from './subject.js'

/**
 * `npm run bench [-- ROWS [PART…]]`: each figure is a ratio to a baseline of the same run, because machines differ and are
 * noisy. The default is 1,000,000 rows and every part. Some parts take a fixed fraction of the rows.
 */
const [count = '1000000', ...wanted] = process.argv.slice(2)
const rows = Number(count)
const unknown = wanted.filter((name) => PARTS[name] === undefined)
if (!Number.isSafeInteger(rows) || rows < 1 || unknown.length > 0) {
  console.error(`Usage: npm run bench -- [ROWS [PART…]]\nParts: ${Object.keys(PARTS).join(', ')}`)
  process.exit(2)
}

const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
try {
  const { url } = await ensureEmbedded(home)
  await audit(home, ['domain', 'list'])
  const bench = scratch(home, url, rows)
  const chains = new BenchChains(bench)
  for (const [name, run] of Object.entries(PARTS)) {
    if (wanted.length === 0 || wanted.includes(name)) await run(bench, chains)
  }
} finally {
  await stopEmbedded(home)
  await rm(home, { recursive: true, force: true })
}
