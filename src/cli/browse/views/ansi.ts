import type { Line, Look } from './lines.js'

const ESC = '\u001b['

/** Select Graphic Rendition codes. Without colours, a look is bold, dim or inverse. */
const COLORED: { readonly [L in Look]: string } = {
  plain: '',
  dim: '2',
  strong: '1',
  good: '32',
  bad: '1;31',
  warn: '33',
  key: '36',
  bar: '7',
}

const PLAIN: { readonly [L in Look]: string } = {
  plain: '',
  dim: '',
  strong: '1',
  good: '',
  bad: '1',
  warn: '',
  key: '1',
  bar: '7',
}

/** Returns a line with the codes of its looks. The selected line is inverse, so that it shows without colours. */
export function ansiOf({ spans, marked }: Line, color: boolean): string {
  const codes = color ? COLORED : PLAIN
  return spans
    .filter(({ text }) => text !== '')
    .map(({ text, look }) => {
      const code = [marked === true ? '7' : '', codes[look]].filter((one) => one !== '').join(';')
      return code === '' ? text : `${ESC}${code}m${text}${ESC}0m`
    })
    .join('')
}
