import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainedEntry, Entry } from '../../src/chain/entry.js'
import { REASONS } from '../../src/chain/reason.js'
import { type OpenPage, openFile, startChromium } from '../support/browser.js'
import { chained, entryAt } from '../support/chain-builder.js'
import { type BuiltReport, pageOf, reportOn, verdictOn } from '../support/report-pages.js'

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(2)>',
  '<svg onload=alert(3)><style>*{display:none}</style>',
  '\u001b[31mred\u001b[0m \u001b]8;;https://evil.example\u0007link',
  'gnp.\u202eexe.txt\u2028\u2029',
  '=HYPERLINK("https://evil.example";"click")',
  '{{constructor.constructor("alert(4)")()}}',
  '" onmouseover="alert(5)',
]

let browser: Browser
const dir = mkdtempSync(join(tmpdir(), 'report-browser-'))

beforeAll(async () => {
  browser = await startChromium()
})

afterAll(async () => {
  await browser?.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Returns an intact chain; `patch` changes each entry. */
function chain(length: number, patch: (seq: number) => Partial<Entry>): ChainedEntry[] {
  return chained(Array.from({ length }, (_, i) => entryAt(i + 1, patch(i + 1))))
}

const mixed = chain(250, (seq) => ({
  relation: `relation.${seq % 3}`,
  object: `project:p${250 - seq}`,
  reason: REASONS[seq % 10 === 0 ? 2 : 0] ?? 'granted',
}))
const findings = [{ code: 'broken_link', seqFrom: 120, seqTo: 121, detail: 'the detail' }] as const

async function opened(report: BuiltReport, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const path = join(dir, 'report.html')
  writeFileSync(path, pageOf(report))
  return openFile(browser, path, options)
}

const ofMixed = () => reportOn(mixed, { verdict: verdictOn(mixed, { findings }) })

/** Runs a test on an open page, which must have done nothing else. */
async function on(
  report: BuiltReport,
  run: (open: OpenPage) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const open = await opened(report, options)
  try {
    await run(open)
    expect({ requests: open.requests, events: open.events }).toEqual({ requests: [], events: [] })
  } finally {
    await open.close()
  }
}

const rowsOf = ({ page }: OpenPage) => page.locator('#row-table tbody tr:not(.detail)')
const cells = (open: OpenPage, column: number) =>
  open.page.locator(`#row-table tbody tr:not(.detail) > :nth-child(${column})`).allTextContents()
const status = ({ page }: OpenPage) => page.locator('#status')

const HEADINGS = ['Row', 'Recorded (UTC)', 'Decision', 'Relation', 'Object', 'Subject']

describe('a report in Chromium', () => {
  it('shows verdict, findings and the first page of rows, and makes no request', async () => {
    await on(ofMixed(), async (open) => {
      expect(await open.page.locator('#verdict').textContent()).toContain('CHANGED.')
      expect(await open.page.locator('.finding').count()).toBe(1)
      expect(await rowsOf(open).count()).toBe(100)
      expect(await status(open).textContent()).toBe('250 of 250 listed rows match. Showing 1 to 100.')
    })
  })

  it('searches in every field, with every word', async () => {
    await on(ofMixed(), async (open) => {
      await open.page.getByLabel('Search in all fields').fill('REQ-17 relation.2')
      await expect.poll(() => status(open).textContent()).toBe('5 of 250 listed rows match. Showing 1 to 5.')
      expect(await cells(open, 1)).toEqual(['17', '170', '173', '176', '179'])
      await open.page.getByLabel('Search in all fields').fill('nothing has this')
      await expect.poll(() => status(open).textContent()).toBe('0 of 250 listed rows match.')
    })
  })

  it('selects denied rows and rows with a finding', async () => {
    await on(ofMixed(), async (open) => {
      await open.page.getByLabel('Decision').selectOption('denied')
      expect(await rowsOf(open).count()).toBe(25)
      expect(new Set(await cells(open, 3))).toEqual(
        new Set(['insufficient_relation', 'insufficient_relation broken_link']),
      )
      await open.page.getByLabel('Decision').selectOption('with a finding')
      expect(await cells(open, 1)).toEqual(['120', '121'])
    })
  })

  it('sorts by a column, both ways, and says which way', async () => {
    await on(ofMixed(), async (open) => {
      const head = open.page.locator('#row-table th[data-key=object]')
      await head.getByRole('button').click()
      expect(await head.getAttribute('aria-sort')).toBe('ascending')
      expect((await cells(open, 5)).slice(0, 3)).toEqual(['project:p0', 'project:p1', 'project:p10'])
      await head.getByRole('button').click()
      expect(await head.getAttribute('aria-sort')).toBe('descending')
      expect((await cells(open, 5))[0]).toBe('project:p99')
      await open.page.locator('#row-table th[data-key=seq] button').click()
      expect((await cells(open, 1)).slice(0, 2)).toEqual(['1', '2'])
      expect(await head.getAttribute('aria-sort')).toBe(null)
    })
  })

  it('pages through the rows', async () => {
    await on(ofMixed(), async (open) => {
      await open.page.getByRole('button', { name: 'Next' }).click()
      expect((await cells(open, 1))[0]).toBe('101')
      await open.page.getByRole('button', { name: 'Last' }).click()
      expect((await cells(open, 1)).at(-1)).toBe('250')
      expect(await open.page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true)
    })
  })

  it('opens the details of a row by keyboard', async () => {
    await on(ofMixed(), async (open) => {
      const button = open.page.getByRole('button', { name: 'Row 2: details' })
      await button.focus()
      await open.page.keyboard.press('Enter')
      expect(await button.getAttribute('aria-expanded')).toBe('true')
      const detail = open.page.locator('.detail')
      expect(await detail.textContent()).toContain(mixed[0]?.entryHash)
      expect(await detail.textContent()).toContain('domain:acme#admin › group:ops#member')
      await open.page.keyboard.press('Enter')
      expect(await detail.count()).toBe(0)
    })
  })

  it('shows hostile rows, names and findings as text', async () => {
    const rows = chain(HOSTILE.length, (seq) => {
      const text = HOSTILE[seq - 1] ?? ''
      return {
        object: `doc:${text}`,
        relation: text.slice(0, 60),
        correlationId: text,
        zedtoken: text,
        relationPath: [text],
      }
    })
    const detail = HOSTILE.join(' ')
    const verdict = verdictOn(rows, { findings: [{ code: 'orphan_object', seqFrom: 1, seqTo: 1, detail }] })
    await on(reportOn(rows, { verdict, name: detail }), async (open) => {
      for (const button of await open.page.locator('#row-table tbody button').all()) await button.click()
      const text = (await open.page.locator('body').innerText()).replace(/[\n\t]/g, ' ')
      expect(text).toContain('</script><script>alert(1)</script>')
      expect(text).toContain('gnp.\\u{202e}exe.txt')
      expect(text).toContain('\\x1b[31mred')
      expect(await open.page.locator('img, iframe, object, embed, link, a[href^=http]').count()).toBe(0)
      expect(await open.page.locator('script:not([type])').count()).toBe(1)
      expect(text).not.toMatch(/[\p{Cf}\p{Cc}\u2028\u2029]/u)
    })
  })

  it('refuses to run or load anything that is put into the page', async () => {
    let served = 0
    const server = createServer((_request, response) => {
      served += 1
      response.end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const open = await opened(ofMixed())
    const markup = `<img src="${url}"><p style="color:red" onclick="alert(1)"></p><iframe src="${url}"></iframe>`
    await open.page.evaluate(`document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(markup)})`)
    await open.page.evaluate("document.querySelector('p[onclick]').click()")
    await expect
      .poll(() => new Set(open.events.filter((event) => event.startsWith('violation'))))
      .toEqual(
        new Set([
          'violation: img-src',
          'violation: style-src-attr',
          'violation: script-src-attr',
          'violation: frame-src',
        ]),
      )
    expect({ served, dialogs: open.events.filter((event) => event.startsWith('dialog')) }).toEqual({
      served: 0,
      dialogs: [],
    })
    await open.close()
    server.close()
  })

  it('prints every row of the selection up to a limit, and then shows its page again', async () => {
    const long = chain(2_100, () => ({}))
    await on(reportOn(long), async (open) => {
      const { page } = open
      await page.evaluate("dispatchEvent(new Event('beforeprint'))")
      expect(await rowsOf(open).count()).toBe(2_000)
      expect(await page.locator('#print-note').textContent()).toBe(
        'Printed are the first 2000 of 2100 rows that match.',
      )
      await page.evaluate("dispatchEvent(new Event('afterprint'))")
      expect(await rowsOf(open).count()).toBe(100)
      const all = pagesOf(await page.pdf({ format: 'A4' }))
      await page.getByLabel('Search in all fields').fill('req-2099')
      await expect.poll(() => rowsOf(open).count()).toBe(1)
      const one = pagesOf(await page.pdf({ format: 'A4' }))
      expect(one).toBeGreaterThan(2)
      expect(all).toBeGreaterThan(one + 20)
      expect(await rowsOf(open).count()).toBe(1)
    })
  })

  it('prints the headings of the table without their buttons, so that every sheet repeats them', async () => {
    await on(ofMixed(), async ({ page }) => {
      const head = page.locator('#row-table thead')
      expect(await head.getByRole('button').count()).toBeGreaterThan(0)
      await page.emulateMedia({ media: 'print' })
      expect(await head.getByRole('button').count()).toBe(0)
      expect((await head.innerText()).trim().split(/\s*\t\s*/)).toEqual(HEADINGS)
    })
  })

  it('keeps the details of a row in view on a phone', async () => {
    const viewport = { width: 390, height: 844 }
    const run = async ({ page }: OpenPage) => {
      await page.getByRole('button', { name: 'Row 1: details' }).click()
      const box = await page.locator('.detail dl').boundingBox()
      expect(box?.x).toBeGreaterThanOrEqual(0)
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(viewport.width)
    }
    await on(ofMixed(), run, { viewport })
  })

  it('shows everything but the later rows without JavaScript', async () => {
    const run = async (open: OpenPage) => {
      expect(await rowsOf(open).count()).toBe(100)
      expect(await open.page.locator('noscript').innerText()).toContain('the first 100 rows')
      expect(await open.page.locator('#controls').isVisible()).toBe(false)
      expect(await open.page.locator('svg rect').count()).toBeGreaterThan(0)
    }
    const open = await opened(ofMixed(), { javaScriptEnabled: false })
    await run(open)
    expect(open.requests).toEqual([])
    await open.close()
  })

  it.each([
    ['light', 'rgb(255, 255, 255)'],
    ['dark', 'rgb(20, 24, 29)'],
  ] as const)('is %s where the reader wants that', async (colorScheme, colour) => {
    const background = (open: OpenPage) =>
      open.page.evaluate('getComputedStyle(document.body).backgroundColor')
    await on(ofMixed(), async (open) => expect(await background(open)).toBe(colour), { colorScheme })
  })

  it.each([390, 480, 640, 1_280, 1_900])('fits a window of %d pixels', async (width) => {
    await on(
      ofMixed(),
      async ({ page }) => {
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect(overflow).toBeLessThanOrEqual(0)
      },
      { viewport: { width, height: 900 } },
    )
  })

  it('lists 20,000 of 100,000 rows and counts all of them', async () => {
    const many = chain(100_000, () => ({}))
    await on(reportOn(many), async (open) => {
      expect(await status(open).textContent()).toBe('20000 of 20000 listed rows match. Showing 1 to 100.')
      expect(await open.page.locator('#rows').textContent()).toContain(
        'The first 20000 of 100000 selected rows are listed.',
      )
      expect(await open.page.locator('#counts').textContent()).toContain('100000 rows are selected')
      await open.page.getByLabel('Search in all fields').fill('req-19999')
      await expect.poll(() => cells(open, 1)).toEqual(['19999'])
    })
  })
})

/** Returns the number of pages of a PDF. */
function pagesOf(pdf: Buffer): number {
  return pdf.toString('latin1').match(/\/Type \/Page\b(?!s)/g)?.length ?? 0
}
