import type { Line, Look } from '../../../src/cli/browse/views/lines.js'
import { textWidth } from '../../../src/cli/output/text-width.js'

const [PAGE, TEXT] = ['#1b1e24', '#d7dae0']

const COLORS: { readonly [L in Look]: string } = {
  plain: TEXT,
  dim: '#8b93a1',
  strong: TEXT,
  good: '#7fd49b',
  bad: '#ff6b6b',
  warn: '#ffd166',
  key: '#6cc5e8',
  bar: TEXT,
}

/** The size of a character and the margin, in pixels. */
const [WIDTH, HEIGHT, MARGIN] = [7.83, 18, 14]

/** Returns a frame of the browser as a picture. A reader who hears the page gets `label`. */
export function frameSvg(lines: readonly Line[], columns: number, label: string): string {
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN)
  const height = lines.length * HEIGHT + 2 * MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${PAGE}"/>`,
    `<g font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13">`,
    ...lines.flatMap((line, index) => lineSvg(line, MARGIN + index * HEIGHT)),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

function lineSvg({ spans, marked = false }: Line, top: number): string[] {
  let column = 0
  return spans.flatMap(({ text, look }) => {
    const from = column
    column += textWidth(text)
    return spanSvg(text, { from, top, look, isInverse: marked || look === 'bar' })
  })
}

interface Placed {
  readonly from: number
  readonly top: number
  readonly look: Look
  readonly isInverse: boolean
}

function spanSvg(text: string, { from, top, look, isInverse }: Placed): string[] {
  const color = COLORS[look]
  const back = isInverse
    ? [
        `<rect x="${pixels(from)}" y="${top}" width="${(textWidth(text) * WIDTH).toFixed(1)}" height="${HEIGHT}" fill="${color}"/>`,
      ]
    : []
  // A space has nothing to draw.
  const words = [...text.matchAll(/\S+(?: \S+)*/g)].map(([word], index, all) => {
    const at = from + textWidth(text.slice(0, all[index]?.index))
    const weight = look === 'bad' || look === 'strong' ? ' font-weight="700"' : ''
    return `<text xml:space="preserve" x="${pixels(at)}" y="${top + 13}" fill="${isInverse ? PAGE : color}"${weight} textLength="${(textWidth(word) * WIDTH).toFixed(1)}">${escaped(word)}</text>`
  })
  return [...back, ...words]
}

function pixels(column: number): string {
  return (MARGIN + column * WIDTH).toFixed(1)
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
