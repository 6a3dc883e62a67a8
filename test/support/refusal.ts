import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ErrorCode } from '../../src/base/errors.js'
import { type CliOptions, type CliResult, jsonLines, runCli, runProcess } from './cli.js'
import { rowsOf } from './postgres.js'

/** Values that must appear in no output, whatever is wrong with the input that holds them. */
export const SECRET = {
  subject: 'alice-never-to-be-shown',
  plaintext: 'Alice Never-To-Be-Shown',
  email: 'never.to.be.shown@example.org',
  ip: '203.0.113.77',
  password: 'hunter2-never-to-be-shown',
  pepper: 'PEPPER-CONTENT-NEVER-TO-BE-SHOWN',
} as const

/** One bad input, and the refusal that is expected. */
export interface Refusal {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly input?: string | Uint8Array | undefined
  readonly exit: number
  readonly code: ErrorCode
  /** A part of the message: what was checked, and where. */
  readonly says: string | RegExp
  /** A part of the hint, if a hint is expected. */
  readonly hint?: string | RegExp | undefined
  /** Rows before the bad row, which are printed and kept; default 0. */
  readonly rows?: number | undefined
  readonly bin?: string | undefined
  /** Default: both. */
  readonly forms?: readonly Form[] | undefined
}

export type Form = 'text' | 'json'

/** Runs the input as text and as JSON, each in an empty directory, and checks both against the rules for errors. */
export async function expectRefused(
  refusal: Refusal,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { forms = ['text', 'json'] } = refusal
  await Promise.all(forms.map((form) => expectRefusedAs(refusal, form, env)))
}

async function expectRefusedAs(
  refusal: Refusal,
  form: Form,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'audit-bad-'))
  try {
    const { input, bin, exit, rows = 0 } = refusal
    const options: CliOptions = {
      cwd,
      env: { ...env, ...refusal.env },
      ...(input !== undefined && { input }),
    }
    const args = [...refusal.args, ...(form === 'json' ? ['--json'] : [])]
    const result = await (bin === undefined ? runCli(args, options) : runProcess(args, { ...options, bin }))
    expectClean(result)
    if (form === 'text') expectText(result.stderr, refusal)
    else expectDocument(result.stderr, refusal)
    expect(result).toMatchObject({ code: exit, signal: null })
    expect(result.stdout.split('\n')).toHaveLength(rows + 1)
    expect(readdirSync(cwd)).toEqual([])
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

/** Checks that the output holds no stack trace, no path of the program and no secret. */
export function expectClean({ stdout, stderr }: CliResult): void {
  for (const text of [stdout, stderr]) {
    expect(text).not.toMatch(/^\s+at |node:internal|node_modules|\.[jt]s:\d/m)
    expectNoSecret(text)
  }
}

export function expectNoSecret(text: string): void {
  for (const secret of Object.values(SECRET)) {
    expect(text.toLowerCase()).not.toContain(secret.toLowerCase())
  }
}

function expectText(stderr: string, { says, hint }: Refusal): void {
  expect(stderr).toMatch(/^Error: [^\n]+\n( {2}[^\n]+\n)*$/)
  const [first = '', ...rest] = stderr.slice('Error: '.length).split('\n')
  expectSays(first, says)
  if (hint !== undefined) expectSays(rest.join('\n'), hint)
}

function expectDocument(stderr: string, { code, says, hint }: Refusal): void {
  const documents = jsonLines(stderr)
  expect(documents).toEqual([{ error: expect.objectContaining({ code, message: expect.any(String) }) }])
  const [{ error }] = documents as [{ error: Record<string, string> }]
  expect(Object.keys(error).filter((key) => !['code', 'message', 'hint'].includes(key))).toEqual([])
  expectSays(error.message ?? '', says)
  if (hint !== undefined) expectSays(error.hint ?? '', hint)
}

function expectSays(text: string, says: string | RegExp): void {
  if (typeof says === 'string') expect(text).toContain(says)
  else expect(text).toMatch(says)
}

const COUNTS = `
  SELECT (SELECT count(*) FROM audit_log_entry) AS entries, (SELECT count(*) FROM audit_domain) AS domains,
    (SELECT count(*) FROM audit_subject_pii) AS subjects, (SELECT count(*) FROM audit_entry_context) AS contexts,
    (SELECT count(*) FROM audit_tamper_quarantine) AS quarantined,
    (SELECT string_agg(h::text, ' ' ORDER BY domain_id) FROM audit_log_chain_head h) AS heads`

/** Returns counts of every table of a database, to compare with later. */
export async function stateOf(url: string): Promise<unknown> {
  return (await rowsOf(url, COUNTS))[0]
}

/** Returns every file below a directory with its content, to compare with later. */
export function filesBelow(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name)
      return [path, readFileSync(path, 'latin1')]
    }),
  )
}

/** Writes a key file of 32 bytes with mode 0600, and returns its path. */
export function keyFile(
  dir: string,
  name = 'pepper.key',
  content: string = SECRET.pepper,
  mode = 0o600,
): string {
  const path = join(dir, name)
  writeFileSync(path, content, { mode })
  return path
}
