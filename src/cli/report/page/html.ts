import { safeText } from '../../output/safe-text.js'

/** Markup that may be written to the page. Only {@link html} makes it. */
export class Html {
  constructor(readonly text: string) {}
}

export type HtmlValue = Html | string | number | bigint | undefined | readonly Html[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Returns a template as markup. The literal parts are ours. A value that is a text may come from an attacker: invisible and
 * reordering characters become visible, and characters with a meaning in HTML are escaped.
 */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(String.raw({ raw: literals.raw }, ...values.map(markup)))
}

/** Returns a text for an HTML element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char)
}

/** Returns a value as JSON that cannot end the script element that holds it, and that JavaScript reads unchanged. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function markup(value: HtmlValue): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('\n')
  return escapeHtml(typeof value === 'string' ? safeText(value) : String(value))
}
