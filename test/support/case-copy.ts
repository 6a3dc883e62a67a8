import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compress, decompress } from '@mongodb-js/zstd'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { type CliResult, ROOT, runCli } from './cli.js'

export const PAYMENTS = '01893f5e-7c00-7000-8000-00000000ba9e'

/** Copies of the case that ships with the demo data, to be damaged. They are read without a database. */
export class CaseCopy {
  readonly folder: string

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'audit-case-'))
    execFileSync('tar', ['xzf', join(ROOT, 'docs', 'demo', 'case.tar.gz'), '-C', this.folder])
  }

  get pepper(): string {
    return `file://${join(this.folder, 'case', 'pepper.key')}`
  }

  /** The words that name the chain of the payments in this mirror. */
  get inMirror(): readonly string[] {
    const bucket = `file://${join(this.folder, 'case', 'bucket')}`
    return ['--source', 'mirror', '--mirror', bucket, '--domain', PAYMENTS]
  }

  /** Exports the chain, and returns the path of the evidence file. */
  async exported(): Promise<string> {
    const path = join(this.folder, 'payments.tar')
    rmSync(path, { force: true })
    await this.run('export', ...this.inMirror, '--output', path)
    return path
  }

  run(...words: string[]): Promise<CliResult> {
    const env = {
      AUDIT_HOME: join(this.folder, 'no-home'),
      AUDIT_DATABASE_URL: 'postgresql://127.0.0.1:1/none',
    }
    return runCli(words, { env, cwd: this.folder })
  }

  object(seq: number): string {
    return join(this.folder, 'case', 'bucket', mirrorCodec.key(PAYMENTS, seq))
  }

  write(seq: number, content: string): void {
    writeFileSync(this.object(seq), content)
  }

  remove(seq: number): void {
    rmSync(this.object(seq))
  }

  /** Puts the object of another row under the key of a row. */
  replace(seq: number, by: number): void {
    copyFileSync(this.object(by), this.object(seq))
  }

  /** Edits the fields of an object, and leaves its canonical bytes as they are. */
  async edit(seq: number, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const json = (await decompress(readFileSync(this.object(seq)))).toString()
    const edited = `${JSON.stringify({ ...JSON.parse(json), ...fields })}\n`
    writeFileSync(this.object(seq), await compress(Buffer.from(edited)))
  }

  drop(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
