import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { jsonLines, ROOT, runProcess } from '../support/cli.js'

const EVENTS = join(ROOT, 'docs/demo/cloudtrail')
const home = mkdtempSync(join(tmpdir(), 'audit-whole-'))
const audit = (...args: string[]) => runProcess([...args, '--json'], { env: { AUDIT_HOME: home } })

afterAll(async () => {
  await audit('db', 'stop')
  rmSync(home, { recursive: true, force: true })
})

describe('2,900 real events, from their files to a verdict, on a fresh home', () => {
  let domainId = ''
  let placed: { seq: number; entry_hash: string }[] = []

  it('are all appended to a new Domain', async () => {
    const created = await audit('domain', 'create', '--name', 'whole way')
    domainId = (jsonLines(created.stdout)[0] as { domain_id: string }).domain_id
    const files = readdirSync(EVENTS)
      .filter((name) => name.endsWith('.json.gz'))
      .map((name) => join(EVENTS, name))
    const appended = await audit('append', '--domain', domainId, '--format', 'cloudtrail', ...files)
    placed = jsonLines(appended.stdout) as typeof placed
    expect(appended.code).toBe(0)
    expect(placed.map(({ seq }) => seq)).toEqual(Array.from({ length: 2_900 }, (_, i) => i + 2))
  })

  it('are listed as they were acknowledged', async () => {
    const listed = await audit('list', '--domain', domainId, '--all')
    const rows = jsonLines(listed.stdout) as typeof placed
    expect(rows.slice(1).map(({ seq, entry_hash }) => ({ seq, entry_hash }))).toEqual(
      placed.map(({ seq, entry_hash }) => ({ seq, entry_hash })),
    )
    const denied = await audit('list', '--domain', domainId, '--all', '--reason', 'insufficient_relation')
    expect(jsonLines(denied.stdout)).toHaveLength(60)
  })

  it('are fetched one by one with a proof, and found by person', async () => {
    const got = await audit('get', '--domain', domainId, '--seq', '1500')
    const { entry, proof } = jsonLines(got.stdout)[0] as { entry: object; proof: object }
    expect(proof).toMatchObject({ entry_hash: placed[1_498]?.entry_hash })
    expect(entry).toMatchObject({ seq: 1500, domain_id: domainId })
    const rows = await audit('list', '--domain', domainId, '--all', '--subject-id', 'AIDATFQR7NSC5U6Q3TMDR')
    expect(jsonLines(rows.stdout)).toHaveLength(105)
  })

  it('verify on every chain', async () => {
    const verified = await audit('verify', '--all')
    expect(verified.code).toBe(0)
    expect(jsonLines(verified.stdout).at(-1)).toMatchObject({
      summary: { ok: true, chains: 2, rows: 2_903, findings: 0 },
    })
  })
})

describe('audit demo', () => {
  const CHANGE = { field: 'reason', postgres: 'granted', mirror: 'insufficient_relation' }
  const dir = mkdtempSync(join(tmpdir(), 'demo-'))
  const demo = (...flags: string[]) => runProcess(['demo', ...flags], { env: { TMPDIR: dir } })
  const filesLeft = () => readdirSync(dir).flatMap((name) => readdirSync(join(dir, name)))

  afterEach(() => {
    for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true })
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('shows the changed field and the rows around it, then the signed head, and ends with the command that opens the report', async () => {
    const { code, stdout } = await demo()
    const report = /\n {3}(?:xdg-open|open) (\/\S+\.html)\n$/.exec(stdout)?.[1] ?? ''
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ +reason +granted +insufficient_relation$/m)
    expect(stdout).toMatch(/^ +> +90 .* in mirror$/m)
    expect(stdout).toMatch(/^ +91 +\d{4}-/m)
    expect(stdout).toContain(`\n   file://${report}\n`)
    expect(stdout).toMatch(/^ +signed through row 2901 by this log's own key [0-9a-f]{8}$/m)
    const mismatch = stdout.match(/^ +checkpoint_mismatch +rows 1 to 2901: not the rows that were signed$/gm)
    expect(mismatch).toHaveLength(2)
    expect(stdout).toContain('the mirror has the signed rows, PostgreSQL has others')
    expect(readFileSync(report, 'utf8')).toContain('<strong>CHANGED.</strong>')
    expect(filesLeft()).toEqual(['demo.html'])
  })

  it('prints the changes and the path of the report with --json', async () => {
    const { code, stdout } = await demo('--json')
    const answers = jsonLines(stdout) as { report: string }[]
    expect(code).toBe(0)
    expect(answers).toMatchObject([
      {
        rows: 2_900,
        findings: [
          { code: 'entry_hash_mismatch', seq_from: 90, changes: [CHANGE], original: 'mirror' },
          { code: 'copies_differ', seq_from: 90, changes: [CHANGE] },
        ],
        rewritten: [
          { code: 'checkpoint_mismatch', seq_from: 1, seq_to: 2_901 },
          { code: 'copies_differ', seq_from: 90, seq_to: 2_901 },
        ],
      },
    ])
    expect(readFileSync(answers[0]?.report ?? '', 'utf8')).toContain('<strong>CHANGED.</strong>')
    expect(filesLeft()).toEqual(['demo.html'])
  })
})
