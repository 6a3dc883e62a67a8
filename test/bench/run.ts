import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureEmbedded, stopEmbedded } from '../../src/repo/embedded/embedded.js'
import { benchAppend, benchKeyedAppend } from './append.js'
import { benchArchiver } from './archiver.js'
import { benchBrowse } from './browse.js'
import { benchCopy } from './copy.js'
import { benchErase } from './erase.js'
import { benchEvidence } from './evidence.js'
import { benchHttp } from './http.js'
import { benchLook } from './look.js'
import { benchMirror } from './mirror.js'
import { benchProofs } from './proofs.js'
import { benchQueries } from './queries.js'
import { benchReport } from './report.js'
import { benchSignedHeads } from './signed-heads.js'
import { benchSigner } from './signer.js'
import { benchStart } from './start.js'
import { audit, scratch } from './subject.js'
import { benchVerify } from './verify.js'

/**
 * `npm run bench [-- ROWS]`: each figure is a ratio to a baseline of the same run, because machines differ and are noisy.
 * The default is 1,000,000 rows; verify is also measured on a tenth of them.
 */
const rows = Number(process.argv[2] ?? 1_000_000)
const home = await mkdtemp(join(tmpdir(), 'audit-bench-'))
try {
  const { url } = await ensureEmbedded(home)
  await audit(home, ['domain', 'list'])
  const bench = scratch(home, url, rows)
  const long = await benchAppend(bench, rows)
  const short = await benchAppend(bench, Math.round(rows / 10))
  await benchKeyedAppend(bench, Math.round(rows / 20))
  await benchLook(bench, Math.min(1_000, Math.round(rows / 20)))
  await benchVerify(bench, short)
  await benchVerify(bench, long)
  await benchSignedHeads(bench, long)
  await benchReport(bench, short)
  await benchCopy(bench, short)
  await benchEvidence(bench, long)
  await benchQueries(bench, long)
  await benchProofs(bench, long)
  await benchErase(bench, Math.round(rows / 10))
  await benchHttp(bench, long)
  await benchStart(bench)
  await benchBrowse(bench)
  await benchMirror(bench, short, Math.round(rows / 10) + 1)
  await benchArchiver(Math.round(rows / 100))
  await benchSigner(Math.round(rows / 10), Math.round(rows / 100))
} finally {
  await stopEmbedded(home)
  await rm(home, { recursive: true, force: true })
}
