import { describe, expect, it } from 'vitest'
import {
  computedImportsIn,
  type ImportEdge,
  importEdges,
  importsIn,
  readSource,
  sourceFiles,
} from '../support/imports.js'

/** What may import what: its own area, and those named (docs: architecture, "Floors"). Nothing looks upwards. */
const BASE = ['base', 'chain']
const FEATURES = ['sink', 'verify', 'query', 'erasure', 'archiver', 'export', 'access']
const ADAPTERS = ['repo', 'mirror', 'pepper', 'authz', 'alerts']
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  chain: [],
  base: ['chain'],
  ...Object.fromEntries(ADAPTERS.map((area) => [area, BASE])),
  ...Object.fromEntries(FEATURES.map((area) => [area, [...BASE, ...FEATURES]])),
  composition: [...BASE, ...FEATURES, ...ADAPTERS],
  http: [...BASE, ...FEATURES],
  cli: [...BASE, ...FEATURES, ...ADAPTERS, 'http', 'composition'],
  commands: [...BASE, ...FEATURES, 'http', 'cli'],
}

const BASE_FILES = ['src/errors.ts', 'src/ports.ts', 'src/node-hasher.ts', 'src/package-folder.ts']
const PORTS = 'src/ports/'
/** The library's own composition roots. */
const COMPOSITION_FILES = ['src/index.ts', 'src/create-sink.ts', 'src/open-sink.ts']
/** The files that may know features and adapters both. */
const KNOW_BOTH = ['src/cli/context.ts', ...COMPOSITION_FILES]
const COMPOSE = 'src/cli/compose/'

const files = sourceFiles('src', 'commands')
const edges = files.flatMap(importEdges)
const isRelative = ({ to }: ImportEdge) =>
  to.startsWith('src/') || to.startsWith('commands/') || to.startsWith('..')

function areaOf(file: string): string {
  if (BASE_FILES.includes(file) || file.startsWith(PORTS)) return 'base'
  if (COMPOSITION_FILES.includes(file)) return 'composition'
  const [top = '', area = ''] = file.split('/')
  return top === 'src' ? area : top
}

function isAllowed({ from, to }: ImportEdge): boolean {
  const [above, below] = [areaOf(from), areaOf(to)]
  return above === below || (FLOORS[above]?.includes(below) ?? false)
}

const shown = (all: readonly ImportEdge[]) => all.map(({ from, to }) => `${from} imports ${to}`)

describe('floors', () => {
  it('stand on every file: each has its area, and there is something to check', () => {
    expect(files.filter((file) => FLOORS[areaOf(file)] === undefined)).toEqual([])
    expect(edges.filter(isRelative).length).toBeGreaterThan(files.length)
  })

  it('are imported downwards only', () => {
    expect(shown(edges.filter((edge) => isRelative(edge) && !isAllowed(edge)))).toEqual([])
  })

  it('import only files that are there', () => {
    expect(shown(edges.filter((edge) => isRelative(edge) && !files.includes(edge.to)))).toEqual([])
  })

  it('let nothing but the composition roots know features and adapters both', () => {
    const knows = (file: string, areas: readonly string[]) =>
      edges.some((edge) => edge.from === file && isRelative(edge) && areas.includes(areaOf(edge.to)))
    const both = files.filter((file) => knows(file, FEATURES) && knows(file, ADAPTERS))
    expect(both.filter((file) => !KNOW_BOTH.includes(file) && !file.startsWith(COMPOSE))).toEqual([])
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

  it('keep the world out of the commands', () => {
    const world =
      /^(node:)?(fs|crypto|zlib|net|http|https|child_process|worker_threads)(\/|$)|^pg(-|$)|^@aws-sdk\/|zstd/
    expect(shown(edges.filter(({ from, to }) => from.startsWith('commands/') && world.test(to)))).toEqual([])
  })

  it('name every module that is imported when it is wanted', () => {
    expect(files.filter((file) => computedImportsIn(readSource(file)).length > 0)).toEqual([])
  })
})

describe('what the checks above see', () => {
  it('every form of import, and none in a comment', () => {
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

  it('a computed import', () => {
    expect(computedImportsIn("import('./a.js'); import(name)")).toEqual(['import(name)'])
  })

  it.each([
    ['src/chain/fold.ts', 'src/ports.ts'],
    ['src/chain/fold.ts', 'src/node-hasher.ts'],
    ['src/ports.ts', 'src/sink/sink.ts'],
    ['src/repo/append.ts', 'src/sink/sink.ts'],
    ['src/repo/append.ts', 'src/pepper/key-file.ts'],
    ['src/sink/sink.ts', 'src/repo/append.ts'],
    ['src/sink/sink.ts', 'src/cli/output.ts'],
    ['src/verify/result.ts', 'src/index.ts'],
    ['src/http/app.ts', 'src/cli/output.ts'],
    ['src/cli/output.ts', 'commands/get.ts'],
    ['commands/get.ts', 'src/repo/append.ts'],
    ['commands/get.ts', 'src/open-sink.ts'],
    ['src/cli/output.ts', 'package.json'],
  ])('%s must not import %s', (from, to) => {
    expect(isAllowed({ from, to })).toBe(false)
  })
})
