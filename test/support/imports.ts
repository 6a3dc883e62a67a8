import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** `from` is a file of the repository. `to` is a file for a relative import, otherwise the module as written. */
export interface ImportEdge {
  readonly from: string
  readonly to: string
}

const STATEMENTS = [
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /\bimport\s*['"]([^'"]+)['"]/g,
  /\bimport\s*\(\s*['"]([^'"]+)['"]\s*[,)]/g,
  // How a worker thread is started.
  /\bnew\s+URL\(\s*['"](\.[^'"]+\.js)['"]\s*,\s*import\.meta\.url/g,
]

/** Returns a source without its comments. */
export function codeIn(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

/** Returns the modules that a source imports, exports from, imports dynamically, and starts as workers. */
export function importsIn(source: string): string[] {
  const code = codeIn(source)
  return STATEMENTS.flatMap((statement) => [...code.matchAll(statement)].map((match) => match[1] ?? ''))
}

/** Returns the dynamic imports whose module name is computed, which no reader of the source can follow. */
export function computedImportsIn(source: string): string[] {
  return [...source.matchAll(/\bimport\s*\(\s*(?!['"])[^)]*\)/g)].map((match) => match[0])
}

/** Returns every TypeScript file below the folders, by its path from the root of the repository. */
export function sourceFiles(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => posix.join(folder, name.split(sep).join('/'))),
  )
}

export function readSource(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** Returns every import of one file. A relative import of a .js file is given as its .ts or .tsx source. */
export function importEdges(file: string): ImportEdge[] {
  return importsIn(readSource(file)).map((to) => ({
    from: file,
    to: to.startsWith('.') ? resolved(file, to) : to,
  }))
}

/**
 * Returns the imports that lie on a circle, or on a path between two circles. Drops, until none is left, the imports of
 * files that import nothing and the imports by files that nothing imports.
 */
export function circularImports(edges: readonly ImportEdge[]): readonly ImportEdge[] {
  const importing = new Set(edges.map(({ from }) => from))
  const imported = new Set(edges.map(({ to }) => to))
  const kept = edges.filter(({ from, to }) => imported.has(from) && importing.has(to))
  return kept.length === edges.length ? kept : circularImports(kept)
}

function resolved(file: string, to: string): string {
  const path = posix.join(posix.dirname(file), to).replace(/\.js$/, '')
  return existsSync(join(ROOT, `${path}.tsx`)) ? `${path}.tsx` : `${path}.ts`
}
