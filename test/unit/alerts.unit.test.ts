import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { metricsOf } from '../../src/http/metrics/metrics.js'
import { ROOT } from '../support/cli.js'

const page = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** The format of Prometheus alerting rules. Prometheus refuses to start if the file holds any other key. */
const rulesFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Audit[A-Za-z]+$/),
          expr: z.string().min(1),
          for: z
            .string()
            .regex(/^\d+[smhd]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['incident', 'page', 'ticket']) }),
          annotations: z.strictObject({ summary: z.string().min(1), runbook_url: z.string() }),
        }),
      ),
    }),
  ),
})

const rules = rulesFile.parse(parse(page('docs/alerts.rules.yml'))).groups.flatMap((group) => group.rules)

const registered = async () => {
  const figures = () => ({
    state: 'ready' as const,
    settings: { every: 1, fullEvery: 1, concurrency: 1, patience: 1 },
    chains: [],
    quarantined: [],
    errors: new Map(),
    rows: { boot: 0, tail: 0, rolling: 0 },
  })
  const text = await metricsOf({ version: '', figures }).text()
  return [...text.matchAll(/^# TYPE (audit_\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type])
}

describe('docs/alerts.rules.yml', () => {
  it('has rules, and each only once', () => {
    const names = rules.map(({ alert }) => alert)
    expect([names.length > 0, new Set(names).size]).toEqual([true, names.length])
  })

  it.each(rules)('$alert has its section in the runbook', ({ alert, annotations }) => {
    expect(annotations.runbook_url).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
    expect(page('docs/runbook.md').split('\n')).toContain(`## ${alert}`)
  })

  it.each(rules)('$alert uses existing metrics and balanced brackets', async ({ expr }) => {
    const names = (await registered()).flatMap(([name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    )
    const used = [...expr.matchAll(/audit_\w+/g)].map(([name]) => name)
    expect(used.length).toBeGreaterThan(0)
    expect(used.filter((name) => !names.includes(name))).toEqual([])
    for (const [open, close] of ['()', '{}', '[]'].map((pair) => [...pair])) {
      expect(expr.split(open ?? '').length).toBe(expr.split(close ?? '').length)
    }
  })
})

describe('docs/runbook.md', () => {
  it('has one section for each alert, one that findings link to, and no other section', () => {
    const sections = [...page('docs/runbook.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name)
    expect(sections.sort()).toEqual([...rules.map(({ alert }) => alert), 'Signed rows differ'].sort())
  })

  it.each(['docs/runbook.md', 'docs/readiness.md', 'docs/metrics.md', 'docs/http.md'])(
    '%s has only links whose target exists',
    (path) => {
      const links = [...page(path).matchAll(/\]\(([\w.-]*)(?:#([\w-]+))?\)/g)]
      for (const [, file, anchor] of links) {
        const target = page(file === '' || file === undefined ? path : join('docs', file))
        const anchors = [...target.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
          title
            .toLowerCase()
            .replaceAll(/[^\w -]/g, '')
            .replaceAll(' ', '-'),
        )
        if (anchor !== undefined) expect(anchors, `${path} to ${file}#${anchor}`).toContain(anchor)
      }
    },
  )
})

it('docs/metrics.md lists every metric with its type, and no other', async () => {
  const rows = [...page('docs/metrics.md').matchAll(/^\| `(audit_\w+)` \| (\w+) \|/gm)]
  expect(rows.map(([, name, type]) => [name, type]).sort()).toEqual((await registered()).sort())
})
