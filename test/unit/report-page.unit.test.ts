import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { FINDING_CODES } from '../../src/chain/finding.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { escapeHtml, html, scriptJson } from '../../src/cli/report/page/html.js'
import { RowList } from '../../src/cli/report/page/row-list.js'
import { shortNames } from '../../src/cli/report/page/rows-section.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { chained, chainOf, DOMAIN, entryAt, OTHER_DOMAIN } from '../support/chain-builder.js'
import { textArbitrary } from '../support/entry-arbitrary.js'
import { pageOf, reportOn, verdictOn } from '../support/report-pages.js'

const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\u001b[31m'

/** Returns the data blocks of a class. */
function blocks(page: string, name: string): unknown[] {
  const found = page.matchAll(
    new RegExp(`<script type="application/json" class="${name}">(.*?)</script>`, 'gs'),
  )
  return [...found].map(([, json = '']) => JSON.parse(json))
}

describe('html', () => {
  it('escapes any text so that no markup and no invisible character is left', () => {
    fc.assert(
      fc.property(textArbitrary(0, 24), (text) => {
        const { text: made } = html`<td title="${text}">${text}</td>`
        expect(made.replaceAll('<td title="', '').replaceAll('</td>', '')).not.toMatch(/[<\p{Cc}\p{Cf}]/u)
        expect(made.match(/"/g)).toHaveLength(2)
      }),
    )
  })

  it('keeps markup that is made by itself, and joins lists of it', () => {
    expect(html`<ul>${['a', '<b>'].map((text) => html`<li>${text}</li>`)}</ul>`.text).toBe(
      '<ul><li>a</li>\n<li>&lt;b&gt;</li></ul>',
    )
    expect(html`${undefined}${5}`.text).toBe('5')
    expect(escapeHtml(`'"&`)).toBe('&#39;&quot;&amp;')
  })
})

describe('scriptJson', () => {
  it('writes any value so that it reads back and cannot end its element', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json().map((text) => JSON.parse(text)),
          textArbitrary(0, 24),
        ),
        (value) => {
          const text = scriptJson(value)
          expect(text).not.toMatch(/[<>&\u2028\u2029]/)
          expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        },
      ),
    )
  })
})

describe('the page of a report', () => {
  it('allows exactly its own style and script, and no request', () => {
    const page = pageOf(reportOn())
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? []
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? []
    const [, script = ''] = /<script>(.*?)<\/script>/s.exec(page) ?? []
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    expect(policy).toBe(
      `default-src 'none'; base-uri 'none'; form-action 'none'; script-src ${hash(script)}; style-src ${hash(style)}`,
    )
    expect(script.length).toBeGreaterThan(1_000)
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style'))
  })

  it.each([
    ['policy', 'a key of the policy'],
    ['home', 'the key that this installation keeps'],
    ['log', 'nobody else vouches for'],
  ] as const)('says through which row the log is signed, by a key of the %s', (by, words) => {
    const head = {
      throughSeq: 11,
      entryHash: 'ab'.repeat(32),
      keyId: 'ada3a13b',
      logName: 'x',
      rowsBeyond: 1,
    }
    const signatures = {
      through: { ...head, by },
      newestSize: 11,
      unknownKeys: new Map(),
      foreignRows: new Map(),
    }
    const page = pageOf(reportOn(chainOf(12), { verdict: verdictOn(chainOf(12), { signatures }) }))
    expect(page).toContain('row 11 is signed by <code>ada3a13b</code>')
    expect(page).toContain(words)
    expect(page).toContain('so does a signed head')
  })

  it('says that no signed head was found where the check looked for one', () => {
    const signatures = { unknownKeys: new Map(), foreignRows: new Map() }
    const page = pageOf(reportOn(chainOf(12), { verdict: verdictOn(chainOf(12), { signatures }) }))
    expect(page).toContain('<dt>Signed head</dt><dd>none was found</dd>')
    expect(pageOf(reportOn())).not.toContain('Signed head')
  })

  it('has no address of the web, no inline handler and no style attribute', () => {
    const page = pageOf(reportOn())
    expect(page).not.toMatch(/https?:/)
    expect(page).not.toMatch(/<[^>]*\s(on\w+|style|src)=/)
    expect(page).toContain('<html lang="en">')
    expect(page).toContain('<meta name="referrer" content="no-referrer">')
  })

  it('shows hostile text of rows, findings and names as text', () => {
    const rows = chained([
      entryAt(1, { object: `doc:${HOSTILE}`, relation: HOSTILE, correlationId: HOSTILE }),
    ])
    const findings = [{ code: 'orphan_object', seqFrom: 1, seqTo: 1, detail: `name ${HOSTILE}` }] as const
    const page = pageOf(reportOn(rows, { verdict: verdictOn(rows, { findings }), name: HOSTILE }))
    expect(page).not.toContain('<img')
    expect(page).not.toContain('alert(1)</script>')
    expect(page.match(/<script>/g)).toHaveLength(1)
    expect(page).not.toMatch(/\p{Cf}/u)
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;\\u{202e}\\x1b[31m')
  })

  it.each([
    ['intact', {}, 'intact.</strong> Every row'],
    [
      'changed',
      {
        verdict: verdictOn(chainOf(12), {
          findings: [{ code: 'broken_link', seqFrom: 5, seqTo: 5, detail: 'd' }],
        }),
      },
      'CHANGED.</strong> The log of',
    ],
    [
      'not proven',
      { verdict: undefined, failure: new AuditError('mirror_unavailable', 'the mirror is away') },
      'NOT PROVEN.</strong> It could not be shown',
    ],
  ])('says in one line that a chain is %s', (_name, chain, sentence) => {
    expect(pageOf(reportOn(chainOf(12), chain))).toContain(sentence)
  })

  it('gives each chain of several a verdict, and the worst of them to the page', () => {
    const { data, rows } = reportOn()
    const [one] = data.chains
    const lost = { domainId: OTHER_DOMAIN, failure: new AuditError('mirror_unavailable', 'away'), pins: [] }
    const platform = { ...one, domainId: PLATFORM_ANCHOR, pins: [] }
    const page = pageOf({ data: { ...data, chains: [platform, ...data.chains, lost] }, rows })
    expect(page).toContain('<section id="verdict" class="verdict unproven"')
    expect(page).toContain('2 of 3 chains are intact, 1 could not be shown to be intact.')
    expect(page).toContain('the platform chain')
    expect(page).toContain('NOT PROVEN: away')
  })

  it('does not call a log intact that may have chains which were not checked', () => {
    const doubts = [new AuditError('platform_chain_absent', 'the platform chain is not there')]
    const page = pageOf(reportOn(chainOf(12), {}, { doubts }))
    expect(page).toContain('<section id="verdict" class="verdict unproven"')
    expect(page).toContain('1 of 1 chain is intact, and the log may have chains that were not checked.')
    expect(page).toContain('may have been checked: the platform chain is not there.')
  })

  it.each([
    ['an end without a pin', {}, {}, 'after row 12 were removed is not shown'],
    [
      'the head of a database',
      { verdict: verdictOn(chainOf(12), { end: 'head' }) },
      {},
      'Somebody who can write to the database can change both.',
    ],
    ['one copy', {}, {}, 'the original content cannot be known from this copy alone'],
    ['a selection', {}, { filter: [['--relation', 'x']] as const }, 'show a selection of the rows'],
    ['context', {}, { hasContext: true }, 'are not covered by any hash'],
    ['a bundle', {}, { isInBundle: true }, 'This page is not evidence.'],
    [
      'a segment',
      { verdict: verdictOn(chainOf(12), { segmentFrom: 5 }) },
      {},
      'rows before row 5 were not checked',
    ],
    [
      'a check that was asked to end earlier',
      { verdict: verdictOn(chainOf(12), { toSeq: 12 }) },
      {},
      'after row 12 were not read, because the check was asked to end there',
    ],
    [
      'a pin at the last row of such a check',
      { verdict: verdictOn(chainOf(12), { toSeq: 12, end: 'pinned' }) },
      {},
      'after row 12 were not read, because the check was asked to end there',
    ],
    [
      'a chain in another mirror',
      {},
      { others: [{ domainId: OTHER_DOMAIN, mirrorUrl: 's3://other/<b>' }] },
      `${OTHER_DOMAIN} was not checked: it is in another mirror, s3://other/&lt;b&gt;.`,
    ],
    [
      'details for which there was no room',
      {},
      { hasContext: true, contextCut: { domainId: DOMAIN, seq: 7 } },
      `It has none of them from row 7 of ${DOMAIN} on.`,
    ],
    [
      'a selection by time',
      {},
      { filter: [['--from', '2026-05-01T00:00:00.000000Z']] as const },
      'For imported rows this is the time of the import',
    ],
    [
      'a doubt',
      { verdict: verdictOn(chainOf(12), { doubts: [new AuditError('mirror_unavailable', 'no listing')] }) },
      {},
      'no listing.',
    ],
  ])('names what %s does not prove', (_name, chain, data, limit) => {
    expect(pageOf(reportOn(chainOf(12), chain, data))).toContain(limit)
  })

  it('says of the end of the log that it was not looked at where the check was asked to end earlier', () => {
    const words = 'not looked at: the check was asked to end with row 12'
    const page = (patch: Partial<Verdict>) =>
      pageOf(reportOn(chainOf(12), { verdict: verdictOn(chainOf(12), patch) }))
    expect(page({ toSeq: 12, end: 'unproven' })).toContain(words)
    expect(page({ toSeq: 12, end: 'pinned' })).toContain(words)
    expect(page({ toSeq: 12, end: 'head' })).toContain('agrees with this database’s own record of the end')
    expect(page({ end: 'unproven' })).toContain('rows may have been removed after the last row')
  })

  const missing = { code: 'unexpected_head', seqFrom: 61, seqTo: 61, expected: 'e', detail: 'd' } as const
  const unreadable = { code: 'object_malformed', seqFrom: 12, seqTo: 12, detail: 'd' } as const
  it.each<[string, Partial<Verdict>, string[], string]>([
    [
      'a bundle of a range',
      { source: 'bundle', toSeq: 12 },
      [
        'not shown: the rows after row 12 are not in this file',
        'after row 12 are not in this file. This page says nothing about them',
      ],
      'asked to end',
    ],
    [
      'a pin beyond the end',
      { findings: [missing] },
      [
        'rows are missing: row 61, which was noted elsewhere (a pin), is not in this copy',
        'proves that there was a row 61',
      ],
      'nothing outside this copy',
    ],
    [
      'a pin that is another row now',
      { findings: [{ ...missing, seqFrom: 3, seqTo: 3, observed: 'o' }] },
      ['after row 12 were removed is not shown'],
      'proves that there was a row',
    ],
    [
      'a last row that cannot be read',
      { findings: [unreadable], head: { seq: 0, hash: '0'.repeat(64) } },
      [
        '<dt>Last row</dt><dd>no last row could be read</dd>',
        'rows 1 to 12; 12 rows were checked',
        `<dt>${DOMAIN}</dt><dd>no last row could be read</dd>`,
        'after row 12 were removed is not shown',
      ],
      'row 0',
    ],
    [
      'an intact chain without a pin',
      {},
      ['from row 1 to row 12 recomputes and links to the row before it', 'replace all rows from some row'],
      'it was written, and',
    ],
    [
      'an intact chain with a pin',
      { pinnedThrough: 5 },
      ['Row 5 is the row that was noted elsewhere, so no row up to it was changed since.'],
      'are unchanged since they were written',
    ],
  ])('says what the check shows of %s, and no more', (_name, patch, said, unsaid) => {
    const page = pageOf(reportOn(chainOf(12), { verdict: verdictOn(chainOf(12), patch) }))
    for (const words of said) expect(page).toContain(words)
    expect(page).not.toContain(unsaid)
  })

  it('counts the chains of other mirrors in its first line', () => {
    const others = [{ domainId: OTHER_DOMAIN, mirrorUrl: 's3://other' }]
    const page = pageOf(reportOn(chainOf(12), {}, { others }))
    expect(page).toContain('1 of 1 chain is intact, 1 in other mirrors was not checked.')
  })

  it('does not claim that the end is unproven where a pin was held', () => {
    const verdict = verdictOn(chainOf(12), { end: 'pinned' })
    expect(pageOf(reportOn(chainOf(12), { verdict }))).not.toContain('were removed is')
  })

  it('warns of personal data at the top only where it holds some', () => {
    const page = pageOf(reportOn(chainOf(2), {}, { hasContext: true }))
    expect(page.indexOf('this page still has them')).toBeLessThan(page.indexOf('id="scope"'))
    expect(page.indexOf('this page still has them')).toBeGreaterThan(0)
    expect(pageOf(reportOn())).not.toContain('this page still has them')
  })

  it.each(FINDING_CODES)('explains %s in words', (code) => {
    const findings = [{ code, seqFrom: 3, seqTo: 4, expected: 'e'.repeat(64), detail: 'the detail' }]
    const page = pageOf(reportOn(chainOf(6), { verdict: verdictOn(chainOf(6), { findings }) }))
    expect(page).toMatch(
      new RegExp(`<h4>Rows 3 to 4: [^<]{20,}</h4>\\s*<dl>\\s*<dt>Code</dt><dd><code>${code}`),
    )
  })

  it('shows what was changed and the rows around it', () => {
    const finding = {
      code: 'copies_differ',
      seqFrom: 3,
      seqTo: 3,
      detail: 'd',
      changes: [{ seq: 3, field: 'reason', postgres: 'granted', mirror: 'out_of_scope' }],
      rowsChanged: 2,
      original: 'mirror',
      context: [
        { seq: 2, copy: 'postgres', check: 'ok', fields: { relation: HOSTILE } },
        { seq: 3, copy: 'mirror', check: 'damaged', fields: { reason: 'out_of_scope' } },
      ],
    } as const
    const page = pageOf(reportOn(chainOf(6), { verdict: verdictOn(chainOf(6), { findings: [finding] }) }))
    expect(page).toContain(
      '<td><code>reason</code></td><td class="value">granted</td><td class="value">out_of_scope</td>',
    )
    expect(page).toContain('Mirror (fits the rows around it)')
    expect(page).toContain('of the first 1 of 2 rows that differ')
    expect(page).toMatch(
      /<tr><th scope="row" class="number">2<\/th><td class="copy">database<\/td><td class="state">recomputes/,
    )
    expect(page).toMatch(
      /<tr class="struck"><th scope="row" class="number">3<\/th><td class="copy">mirror<\/td><td class="state">changed/,
    )
    expect(page).not.toContain('<img')
  })

  it('shows lists so that no two of them look alike', () => {
    const changes = [{ seq: 3, field: 'relation_path', postgres: ['a, b'], mirror: ['a', 'b'] }] as const
    const finding = { code: 'copies_differ', seqFrom: 3, seqTo: 3, detail: 'd', changes } as const
    const page = pageOf(reportOn(chainOf(6), { verdict: verdictOn(chainOf(6), { findings: [finding] }) }))
    expect(page).toContain('>[&quot;a, b&quot;]</td><td class="value">[&quot;a&quot;,&quot;b&quot;]<')
  })

  it('lists 200 findings of a chain and counts the rest', () => {
    const findings = Array.from({ length: 203 }, (_, i) => {
      return { code: 'broken_link', seqFrom: i * 2 + 1, seqTo: i * 2 + 1, detail: 'd' } as const
    })
    const page = pageOf(reportOn(chainOf(6), { verdict: verdictOn(chainOf(6), { findings }) }))
    expect(page.match(/<li class="finding">/g)).toHaveLength(200)
    expect(page).toContain('3 more findings are not listed here.')
  })

  it('has every row as data and the first hundred as a table', () => {
    const report = reportOn(chainOf(1_203))
    const page = pageOf(report)
    const rows = blocks(page, 'rows-data') as unknown[][][]
    expect(rows.map(({ length }) => length)).toEqual([1_000, 203])
    expect(rows.flat().map(([, seq]) => seq)).toEqual(Array.from({ length: 1_203 }, (_, i) => i + 1))
    expect(page.match(/<tr><th scope="row">\d+<\/th><td class="time">/g)).toHaveLength(100)
    expect(page).toContain('All 1203 selected rows are listed.')
  })

  it('names the chain of each row, also without JavaScript, where there are several', () => {
    const { data, rows } = reportOn(chainOf(3), { name: 'acme' })
    const other = { domainId: OTHER_DOMAIN, pins: [] }
    const page = pageOf({ data: { ...data, chains: [...data.chains, other] }, rows })
    expect(page).toContain('<th scope="col" data-key="chain">Chain</th>')
    expect(
      page.match(/<tr><th scope="row">\d<\/th><td class="chain">acme<\/td><td class="time">/g),
    ).toHaveLength(3)
    expect(pageOf(reportOn(chainOf(3), { name: 'acme' }))).not.toContain('data-key="chain">')
  })

  it('has the same bytes for the same data', () => {
    expect(pageOf(reportOn())).toBe(pageOf(reportOn()))
  })
})

describe('shortNames', () => {
  it.each([
    ['names that only one chain has', ['payments', 'cloud'], ['payments', 'cloud']],
    ['ids where there is no name', [undefined, undefined], ['0190a8b8…a0a1', '0190a8b8…a0a2']],
    ['names with ids where chains share one', ['same', 'same'], ['same 0190a8b8…a0a1', 'same 0190a8b8…a0a2']],
  ])('returns %s', (_name, [one, other], short) => {
    const chains = [
      { domainId: DOMAIN, name: one },
      { domainId: OTHER_DOMAIN, name: other },
    ]
    expect(shortNames(chains)).toEqual(short)
  })

  it('shows the ids where a Domain is named like the platform chain', () => {
    const chains = [{ domainId: PLATFORM_ANCHOR }, { domainId: DOMAIN, name: 'platform chain' }]
    expect(shortNames(chains)).toEqual(['platform chain 706c6174…', 'platform chain 0190a8b8…'])
  })
})

describe('RowList', () => {
  it('refuses rows beyond its number and its size', () => {
    const row = { seq: 1, entry: entryAt(1), prevHash: 'a'.repeat(64), entryHash: 'b'.repeat(64) }
    const few = new RowList({ rows: 2, bytes: 1e6 })
    expect([1, 2, 3].map(() => few.add(0, row))).toEqual([true, true, false])
    const small = new RowList({ rows: 10, bytes: 1_000 })
    const added = [1, 2, 3, 4].filter(() => small.add(0, row)).length
    expect(added).toBeGreaterThan(0)
    expect(added).toBeLessThan(4)
    expect([...small.blocks()].join('').length).toBeLessThanOrEqual(1_100)
  })

  it('leaves out a prev_hash that the row before has as its hash', () => {
    const list = new RowList()
    for (const { prevHash, entryHash, ...entry } of chainOf(2))
      list.add(0, { seq: entry.seq, entry: { ...entry, domainId: DOMAIN }, prevHash, entryHash })
    const [one, two] = list.first
    expect(one?.[11]).toBe('0'.repeat(64))
    expect(two?.[11]).toBe(0)
  })

  it('does not give a row without a prev_hash the hash of the row before', () => {
    const list = new RowList()
    list.add(0, { seq: 1, entryHash: 'a'.repeat(64) })
    list.add(0, { seq: 2, problem: 'unreadable' })
    list.add(0, { seq: 3, problem: 'unreadable' })
    expect(list.first.map((row) => row[11])).toEqual(['', '', ''])
  })

  it('has room again for what was cut, and names the prev_hash of the next row', () => {
    const [hash, list] = ['b'.repeat(64), new RowList({ rows: 3, bytes: 1_100 })]
    const row = { seq: 1, entry: entryAt(1), prevHash: hash, entryHash: hash }
    const fill = () => [1, 2, 3, 4].filter(() => list.add(0, row)).length
    const first = fill()
    list.cut(1)
    expect(list.length).toBe(1)
    expect(list.first).toHaveLength(1)
    expect(fill()).toBe(first - 1)
    expect(list.first[1]?.[11]).toBe(hash)
  })
})
