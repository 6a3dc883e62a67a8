import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BundleAttack, ROWS, rewrittenFrom, whole } from '../support/bundle-attacks/attack.js'
import { built, partsOf } from '../support/bundle-attacks/bundle.js'
import { CONTAINERS } from '../support/bundle-attacks/containers.js'
import { CONTENTS } from '../support/bundle-attacks/contents.js'
import { FORKED } from '../support/bundle-attacks/forked.js'
import { MANIFESTS } from '../support/bundle-attacks/manifests.js'
import { REPORTS } from '../support/bundle-attacks/reports.js'
import { type Said, VERIFIERS } from '../support/bundle-attacks/verifiers.js'
import { ROOT } from '../support/cli.js'

const ATTACKS: readonly BundleAttack[] = [...CONTAINERS, ...MANIFESTS, ...CONTENTS, ...FORKED, ...REPORTS]
const NAMES = Object.keys(VERIFIERS)
const dir = mkdtempSync(join(tmpdir(), 'bundle-verifiers-'))
/** The results of each verifier, in the order of the attacks. */
let said: Said[][]

beforeAll(async () => {
  const runs = ATTACKS.map(({ make, args = [] }, i) => {
    const path = join(dir, `${i}.tar`)
    writeFileSync(path, make())
    return [path, ...args]
  })
  said = await Promise.all(NAMES.map((name) => VERIFIERS[name]?.(runs) ?? []))
})
afterAll(() => rmSync(dir, { recursive: true }))

interface Placed {
  readonly code?: unknown
  readonly seq_from?: unknown
}

const inOrder = <T extends Placed>(findings: readonly T[]): T[] =>
  [...findings].sort(
    (a, b) => Number(a.seq_from) - Number(b.seq_from) || (String(a.code) < String(b.code) ? -1 : 1),
  )

const findingsOf = ({ result }: Said) =>
  ((result?.findings ?? []) as (Placed & { detail: string })[]).map(({ detail, ...finding }) => finding)

/** Returns a result without the details, which each verifier words differently. */
const bare = (one: Said) => one.result && { ...one.result, findings: findingsOf(one) }

const SCRIPTS = join(ROOT, 'docs', 'verifiers')

it.each([
  ['node', 'verify-bundle.mjs'],
  ['python3', 'verify_bundle.py'],
])('lets %s read a bundle from a pipe in small parts', (program, script) => {
  const path = join(dir, 'piped.tar')
  writeFileSync(path, built(whole()))
  const slowly = `(head -c 700 "$1"; sleep 0.2; tail -c +701 "$1") | ${program} "$2" /dev/stdin`
  const { status, stderr } = spawnSync('sh', ['-c', slowly, 'sh', path, join(SCRIPTS, script)], {
    encoding: 'utf8',
  })
  expect(stderr).toMatch(/^intact {2}8 rows/)
  expect(status).toBe(0)
})

it.each([
  ['node', 'verify-bundle.mjs'],
  ['python3', 'verify_bundle.py'],
])('lets %s print rows as ASCII, because a terminal acts on more than C0 controls', (program, script) => {
  const relation = 'a\u009b2J\u202eb'
  const path = join(dir, 'hostile.tar')
  writeFileSync(path, built(partsOf({ rows: [...ROWS.slice(0, 3), ...rewrittenFrom(4, { relation })] })))
  const { status, stdout } = spawnSync(program, [join(SCRIPTS, script), path, '--rows'], { encoding: 'utf8' })
  expect(stdout).toMatch(/^[\n -~]*$/)
  expect(
    stdout
      .split('\n')
      .slice(3, 4)
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ seq: 4, relation }])
  expect(status).toBe(0)
})

describe('the verdict on a bundle', () => {
  it('names every attack differently', () => {
    expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length)
  })

  describe.each(NAMES.map((name, i) => [name, i] as const))('%s', (_name, verifier) => {
    it.each(ATTACKS.map((attack, i) => ({ ...attack, i })))(
      'finds: $name',
      ({ exit, error, findings = [], i }) => {
        const one = said[verifier]?.[i]
        if (one === undefined) throw new Error('it said nothing')
        expect({ exit: one.exit, error: one.error }, one.stderr).toEqual({ exit, error })
        expect(inOrder(findingsOf(one))).toEqual(inOrder(findings))
      },
    )
  })

  it.each(ATTACKS.map((attack, i) => ({ ...attack, i })))(
    'is the same from every verifier: $name',
    ({ i }) => {
      const [first, ...others] = said.map((all) => all[i]).flatMap((one) => (one ? [bare(one)] : []))
      for (const other of others) expect(other).toEqual(first)
      expect(said.every((all) => all.length === ATTACKS.length)).toBe(true)
    },
  )
})
