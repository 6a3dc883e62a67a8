import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { attackFixture, type Field } from './attacks/fixture.js'
import { type CliResult, runCli } from './cli.js'
import { type MadeHead, SignedLog } from './signed-log.js'

/** A log whose heads are signed, in PostgreSQL and in a mirror, for tests of what a reader with a policy sees. */
export class SignedField {
  private constructor(
    readonly field: Field,
    readonly dir: string,
    readonly log: SignedLog,
    /** The head of each chain, as it was signed. */
    readonly heads: readonly MadeHead[],
    readonly platformHead: MadeHead,
    readonly dropFixture: () => Promise<void>,
  ) {}

  /** Signs the chains of attacks/chains.ts, and archives all rows. */
  static async make(): Promise<SignedField> {
    const fixture = await attackFixture()
    const field = await fixture.attacked('')
    const dir = mkdtempSync(join(tmpdir(), 'signed-field-'))
    mkdirSync(join(dir, 'mirror'))
    const mirrorUrl = pathToFileURL(join(dir, 'mirror')).href
    await archived(field.url, mirrorUrl)
    const log = await SignedLog.open({ url: field.url, mirrorUrl })
    await log.enrol()
    // The second row has the head of the platform chain after the first.
    await log.sign()
    const heads = await log.sign()
    const platformHead = await log.signPlatform()
    await archived(field.url, mirrorUrl)
    return new SignedField(field, dir, log, heads, platformHead, () => fixture.drop())
  }

  get mirror(): string {
    return join(this.dir, 'mirror')
  }

  headOf(domainId: string): MadeHead {
    const head = this.heads.find((one) => one.domainId === domainId)
    if (head === undefined) throw new Error(`no head of ${domainId} was signed`)
    return head
  }

  /** Returns a copy of the mirror, for an attack or an investigator. */
  copyOfMirror(): string {
    const copy = mkdtempSync(join(this.dir, 'copy-'))
    cpSync(this.mirror, copy, { recursive: true })
    return copy
  }

  async drop(): Promise<void> {
    await this.log.close()
    await this.field.drop()
    await this.dropFixture()
    rmSync(this.dir, { recursive: true })
  }
}

async function archived(url: string, mirrorUrl: string): Promise<void> {
  const words = ['archiver', '--once', '--init-mirror', '--database-url', url, '--mirror', mirrorUrl]
  const { code, stderr }: CliResult = await runCli(words)
  if (code !== 0) throw new Error(stderr)
}
