import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '../../../base/errors.js'
import { packageFolder } from '../../../base/package-folder.js'
import { checkSection, wordsSection } from './check-section.js'
import { findingsSection } from './findings-section.js'
import { html } from './html.js'
import { limitsSection } from './limits-section.js'
import type { ReportData } from './report-data.js'
import type { RowList } from './row-list.js'
import { block, rowsSection } from './rows-section.js'
import { scopeSection } from './scope-section.js'
import { timelineSection } from './timeline-section.js'
import { topSection } from './top-section.js'
import { chainName, verdictSection } from './verdict-section.js'

/** The style and the script of the page, as this package ships them. */
export interface PageAssets {
  readonly style: string
  readonly script: string
}

const FOLDER = ['src', 'cli', 'report', 'assets']

/** Reads the style and the script. Throws `internal` for a package that lacks them. */
export function pageAssets(): PageAssets {
  return { style: asset('report.css'), script: asset('report.js') }
}

function asset(name: string): string {
  try {
    return readFileSync(join(packageFolder(), ...FOLDER, name), 'utf8')
  } catch (cause) {
    throw new AuditError('internal', `this copy of audit lacks ${[...FOLDER, name].join('/')}`, { cause })
  }
}

/**
 * Yields the page piece by piece, as UTF-8 text. The page is one file: its policy forbids every request, and allows only
 * the style and the script with these hashes. Data is in blocks that the browser does not run. `contexts` is JSON of
 * context-blocks.ts.
 */
export function* reportPage(
  data: ReportData,
  rows: RowList,
  assets: PageAssets,
  contexts: readonly string[] = [],
): Generator<string> {
  yield head(data, assets)
  yield html`<header>
<p class="kind">${data.isInBundle ? 'Report in an evidence bundle: not evidence' : 'Report on an audit log'}</p>
<h1>${titleOf(data)}</h1>
<p>Made on ${data.madeAt.slice(0, 10)} by ${data.tool}</p>
</header>
<main id="main">
`.text
  yield verdictSection(data).text
  yield scopeSection(data).text
  yield limitsSection(data).text
  yield findingsSection(data).text
  yield timelineSection(data).text
  yield topSection(data).text
  yield* rowsSection(data, rows)
  for (const json of contexts) yield block('class="context-data"', json)
  yield checkSection(data).text
  yield wordsSection().text
  yield `</main>\n<script>${assets.script}</script>\n</body>\n</html>\n`
}

function head(data: ReportData, { style, script }: PageAssets): string {
  const policy = [
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${html`<title>${titleOf(data)}: report</title>`.text}
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
`
}

function titleOf({ chains }: ReportData): string {
  const [chain] = chains
  if (chain === undefined) return 'Audit log'
  return chains.length === 1 ? `Audit log of ${chainName(chain)}` : `Audit log of ${chains.length} chains`
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
