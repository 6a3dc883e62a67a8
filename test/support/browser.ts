import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/**
 * Starts a headless Chromium of this machine: AUDIT_TEST_CHROMIUM, or the first one in PATH. Throws where there is none, so
 * that a run without a browser fails.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = process.env.AUDIT_TEST_CHROMIUM ?? found()
  if (executablePath === undefined)
    throw new Error('these tests need Chromium: install the package chromium, or set AUDIT_TEST_CHROMIUM')
  // The sandbox of Chromium does not start for root in a container.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

function found(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** An open page, with everything that it did besides showing itself. */
export interface OpenPage {
  readonly page: Page
  /** URLs that were requested, apart from the page itself. */
  readonly requests: string[]
  /** Messages of the console, uncaught errors, dialogs and violations of the page's policy. */
  readonly events: string[]
  close(): Promise<void>
}

/** Opens a file in a browser profile of its own. */
export async function openFile(
  browser: Browser,
  path: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const url = pathToFileURL(path).href
  const requests: string[] = []
  const events: string[] = []
  context.on('request', (request) => {
    if (request.url() !== url) requests.push(request.url())
  })
  page.on('console', (message) => events.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => events.push(`error: ${error.message}`))
  page.on('dialog', (dialog) => {
    events.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.exposeFunction('onViolation', (text: string) => events.push(`violation: ${text}`))
  await page.addInitScript(() => {
    const scope = globalThis as unknown as {
      addEventListener(name: string, on: (event: { violatedDirective: string }) => void): void
      onViolation(text: string): void
    }
    scope.addEventListener('securitypolicyviolation', (event) => scope.onViolation(event.violatedDirective))
  })
  await page.goto(url)
  return { page, requests, events, close: () => context.close() }
}
