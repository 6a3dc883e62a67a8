import { describe, expect, it } from 'vitest'
import {
  circularImports,
  codeIn,
  computedImportsIn,
  type ImportEdge,
  importEdges,
  importsIn,
  readSource,
  sourceFiles,
} from '../support/imports.js'
import { BANS, FORMATTED_TIME } from '../support/source-bans.js'

/** The floors: what each area may import besides itself (docs/architecture.md, "Floors"). Imports run downwards only. */
const BASE = ['base', 'ports', 'chain']
const FEATURES = [
  'append',
  'query',
  'verify',
  'reconcile',
  'quarantine',
  'archive',
  'restore',
  'erasure',
  'identify',
  'access',
  'bundle',
  'marker',
  'report',
  'proof',
  'signer',
]
const ADAPTERS = ['repo', 'mirror', 'pepper', 'local', 'authz', 'alerts']
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  chain: [],
  base: ['chain'],
  ports: ['base', 'chain'],
  ...Object.fromEntries(ADAPTERS.map((area) => [area, BASE])),
  ...Object.fromEntries(FEATURES.map((area) => [area, [...BASE, ...FEATURES]])),
  compose: [...BASE, ...FEATURES, ...ADAPTERS],
  json: [...BASE, ...FEATURES],
  library: [...BASE, ...FEATURES, 'compose', 'json'],
  http: [...BASE, ...FEATURES, 'json'],
  cli: [...BASE, ...FEATURES, 'http', 'compose', 'json'],
  commands: [...BASE, ...FEATURES, 'http', 'cli', 'compose'],
}

const files = sourceFiles('src', 'commands')
const edges = files.flatMap(importEdges)
const isRelative = ({ to }: ImportEdge) =>
  to.startsWith('src/') || to.startsWith('commands/') || to.startsWith('..')

function areaOf(file: string): string {
  if (file === 'src/index.ts') return 'library'
  const [top = '', area = ''] = file.split('/')
  return top === 'src' ? area : top
}

function isAllowed({ from, to }: ImportEdge): boolean {
  const [above, below] = [areaOf(from), areaOf(to)]
  return above === below || (FLOORS[above]?.includes(below) ?? false)
}

const codeOf = (file: string) => codeIn(readSource(file))
const examplesOf = (kind: 'bad' | 'good') =>
  [...BANS, FORMATTED_TIME].flatMap(({ name, pattern, [kind]: sources }) =>
    sources.map((source): [string, string, RegExp] => [name, source, pattern]),
  )
const shown = (all: readonly ImportEdge[]) => all.map(({ from, to }) => `${from} imports ${to}`)

describe('floors', () => {
  it('cover every file, and there are imports to check', () => {
    expect(files.filter((file) => FLOORS[areaOf(file)] === undefined)).toEqual([])
    expect(edges.filter(isRelative).length).toBeGreaterThan(files.length)
  })

  it('allow only imports that go down', () => {
    expect(shown(edges.filter((edge) => isRelative(edge) && !isAllowed(edge)))).toEqual([])
  })

  it('have only imports of files that exist', () => {
    expect(shown(edges.filter((edge) => isRelative(edge) && !files.includes(edge.to)))).toEqual([])
  })

  it('have no import circles, imports of types and starts of workers included', () => {
    expect(shown(circularImports(edges))).toEqual([])
  })

  it('let only the composition root import both features and adapters', () => {
    const knows = (file: string, areas: readonly string[]) =>
      edges.some((edge) => edge.from === file && isRelative(edge) && areas.includes(areaOf(edge.to)))
    const both = files.filter((file) => knows(file, FEATURES) && knows(file, ADAPTERS))
    expect(both.filter((file) => areaOf(file) !== 'compose')).toEqual([])
  })

  it('have no two features that import each other', () => {
    const looksAt = (a: string, b: string) =>
      edges.some((edge) => isRelative(edge) && areaOf(edge.from) === a && areaOf(edge.to) === b)
    const pairs = FEATURES.flatMap((a) => FEATURES.filter((b) => a < b).map((b) => [a, b] as const))
    expect(pairs.filter(([a, b]) => looksAt(a, b) && looksAt(b, a))).toEqual([])
  })

  it('keep src/chain pure: @noble/hashes and itself', () => {
    const outside = edges.filter(({ from, to }) => {
      const isOwn = to.startsWith('src/chain/') || to.startsWith('@noble/hashes/')
      return from.startsWith('src/chain/') && !isOwn
    })
    expect(shown(outside)).toEqual([])
    const impure = /\b(Date\.now|new Date\(\)|Math\.random|process\.|globalThis|setTimeout|performance\.)/
    const chain = files.filter((file) => file.startsWith('src/chain/'))
    expect(chain.filter((file) => impure.test(readSource(file)))).toEqual([])
  })

  it('keep files, networks and databases out of the commands', () => {
    const world =
      /^(node:)?(fs|crypto|zlib|net|http|https|child_process|worker_threads)(\/|$)|^pg(-|$)|^@aws-sdk\/|zstd/
    expect(shown(edges.filter(({ from, to }) => from.startsWith('commands/') && world.test(to)))).toEqual([])
  })

  it('name fields of printed JSON only at the edges, and in the manifest of a bundle', () => {
    const features = files.filter((file) => FEATURES.includes(areaOf(file)) && areaOf(file) !== 'bundle')
    const field = /^\s*readonly [a-z]+(?:_[a-z]+)+\??:/m
    expect(features.filter((file) => field.test(readSource(file)))).toEqual([])
  })

  it('keep at most 25 files in a folder', () => {
    const sizes = new Map<string, number>()
    for (const file of files.filter((path) => path.startsWith('src/'))) {
      const folder = file.slice(0, file.lastIndexOf('/'))
      sizes.set(folder, (sizes.get(folder) ?? 0) + 1)
    }
    expect([...sizes].filter(([, size]) => size > 25)).toEqual([])
  })

  it('let only the adapters import drivers and clients of stores', () => {
    const driver = /^pg(-|$)|^@aws-sdk\/|^@authzed\/|zstd/
    const importing = edges.filter(({ from, to }) => driver.test(to) && !ADAPTERS.includes(areaOf(from)))
    expect(shown(importing)).toEqual([])
  })

  it.each(BANS)('have $name only in $except', ({ pattern, except }) => {
    const rest = files.filter((file) => !except.includes(areaOf(file)) && !except.includes(file))
    expect(rest.filter((file) => pattern.test(codeOf(file)))).toEqual([])
  })

  it('have no feature that formats a time as text', () => {
    const features = files.filter((file) => FEATURES.includes(areaOf(file)))
    expect(features.filter((file) => FORMATTED_TIME.pattern.test(codeOf(file)))).toEqual([])
  })

  it('name every module that is imported dynamically', () => {
    expect(files.filter((file) => computedImportsIn(readSource(file)).length > 0)).toEqual([])
  })
})

describe('the checks of imports and words', () => {
  it('see every form of import, and none in a comment', () => {
    const source = [
      "import a from 'a'",
      "import type { B } from './b.js'",
      'import {\n  c,\n  type C,\n} from "c/d"',
      "import 'e'",
      "export { f } from './f.js'",
      "export * from 'g'",
      "const h = await import('./h.js')",
      "const i: import('i').I = import(\n  'j'\n)",
      "new Worker(new URL('./k.js', import.meta.url))",
      "// import 'x'",
      "/* import 'y' */",
      "/** {@link import('z')} */",
    ]
    const seen = ['a', './b.js', 'c/d', 'e', './f.js', 'g', './h.js', 'i', 'j', './k.js']
    expect(importsIn(source.join('\n')).sort()).toEqual(seen.sort())
  })

  it.each(examplesOf('bad'))('see %s in %j', (_name, source, pattern) => {
    expect(codeIn(source)).toMatch(pattern)
  })

  it.each(examplesOf('good'))('do not see %s in %j', (_name, source, pattern) => {
    expect(codeIn(source)).not.toMatch(pattern)
  })

  it('a circle of imports, without the files around it', () => {
    const sources = [
      ['above', 'a'],
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
      ['c', 'below'],
      ['below', 'pg'],
    ]
    const circle = circularImports(sources.map(([from = '', to = '']) => ({ from, to })))
    expect(shown(circle)).toEqual(['a imports b', 'b imports c', 'c imports a'])
  })

  it('see a computed import', () => {
    expect(computedImportsIn("import('./a.js'); import(name)")).toEqual(['import(name)'])
  })

  it.each([
    ['src/chain/fold.ts', 'src/ports/append.ts'],
    ['src/chain/fold.ts', 'src/base/node-hasher.ts'],
    ['src/base/errors.ts', 'src/ports/append.ts'],
    ['src/ports/append.ts', 'src/append/sink.ts'],
    ['src/repo/append/append.ts', 'src/append/sink.ts'],
    ['src/repo/append/append.ts', 'src/pepper/key-file.ts'],
    ['src/append/sink.ts', 'src/repo/append/append.ts'],
    ['src/append/sink.ts', 'src/cli/output/output.ts'],
    ['src/verify/verdict.ts', 'src/index.ts'],
    ['src/verify/verdict.ts', 'src/compose/verify.ts'],
    ['src/verify/verify-chain.ts', 'src/json/verify-result.ts'],
    ['src/repo/append/append.ts', 'src/json/verify-result.ts'],
    ['src/json/verify-result.ts', 'src/repo/append/append.ts'],
    ['src/json/verify-result.ts', 'src/cli/output/output.ts'],
    ['commands/verify.ts', 'src/json/verify-result.ts'],
    ['src/http/app.ts', 'src/cli/output/output.ts'],
    ['src/cli/output/output.ts', 'commands/get.ts'],
    ['commands/get.ts', 'src/repo/append/append.ts'],
    ['commands/get.ts', 'src/pepper/key-file.ts'],
    ['src/cli/output/output.ts', 'package.json'],
  ])('%s must not import %s', (from, to) => {
    expect(isAllowed({ from, to })).toBe(false)
  })
})
