import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openFile, startChromium } from '../support/browser.js'
import { audit, type Bench, median, report } from './subject.js'

const ROUNDS = 5

/** Compares `audit report` with `audit verify` of the same rows. Whole processes run alternately. */
export async function benchReport(bench: Bench, domainId: string): Promise<void> {
  const page = join(bench.home, 'report.html')
  const verify: number[] = []
  const made: number[] = []
  let megabytes = 0
  let rows = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    verify.push((await audit(bench.home, ['verify', '--domain', domainId, '--json'])).seconds)
    const words = ['report', '--domain', domainId, '--output', page, '--force', '--json']
    const one = await audit(bench.home, words)
    rows = JSON.parse(one.stdout).report.rows
    made.push(one.seconds)
    megabytes = Math.max(megabytes, one.megabytes)
  }
  const opened = await secondsToOpen(page)
  await rm(page, { force: true })
  const [seconds, base] = [median(made), median(verify)]
  report(
    `report of ${rows} rows`,
    `${seconds.toFixed(2)} s`,
    `verify ${base.toFixed(2)} s`,
    seconds / base,
    'at most 1.5',
  )
  report(
    `report of ${rows} rows, peak memory`,
    `${Math.round(megabytes)} MB`,
    'limit 300 MB',
    megabytes / 300,
    'at most 1',
  )
  const what = `report of ${rows} rows opens in Chromium`
  if (opened === undefined) console.log(`${what}   skipped: there is no Chromium here`)
  else report(what, `${opened.toFixed(2)} s`, 'limit 3 s', opened / 3, 'at most 1')
}

/** Returns the median of the seconds until a page has drawn its table; undefined without a browser. */
async function secondsToOpen(path: string): Promise<number | undefined> {
  const browser = await startChromium().catch(() => undefined)
  if (browser === undefined) return undefined
  try {
    const seconds: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const begun = performance.now()
      const { page, close } = await openFile(browser, path)
      await page.locator('#status', { hasText: 'rows match' }).waitFor()
      seconds.push((performance.now() - begun) / 1000)
      await close()
    }
    return median(seconds)
  } finally {
    await browser.close()
  }
}
