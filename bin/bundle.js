// Bundles the command line into dist/bundle, from what tsc wrote to dist. The bundle is shipped, this script is not.
// CPU time measured, unbundled and bundled: --help 285 and 182 ms, verify of a tiny chain 375 and 238 ms, node -e 0 77 ms.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import './schema-objects.js'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const commands = readdirSync(join(dist, 'commands'), { recursive: true })
  .filter((file) => file.endsWith('.js'))
  .map((file) => join('commands', file))

// Build aside and rename at the end: a command may be running from the old bundle.
const next = join(dist, 'bundle.next')
rmSync(next, { recursive: true, force: true })
const options = {
  metafile: true,
  outbase: dist,
  outdir: next,
  // Beside fold-worker.js, which one of the chunks starts by its relative URL.
  chunkNames: 'src/repo/verify/[name]-[hash]',
  bundle: true,
  // Inlines constants across modules, such as the offsets of chain/layout: verify and export are about 3 % faster.
  minifySyntax: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // These are loaded late and rarely: a CommonJS package would lose its named exports when it is imported dynamically. The others
  // (pg-native, and the compilers that oclif knows) are optional and absent.
  // ink and react are 300 files: while a verify keeps the process busy, loading them one by one takes seconds.
  // @mongodb-js/zstd is a native module.
  external: [
    '@mongodb-js/zstd',
    'cli-table3',
    'proper-lockfile',
    'pg-native',
    'react-devtools-core',
    'typescript',
    'ts-node',
    'tsx',
  ],
  banner: {
    // CommonJS packages in an ECMAScript module still use these names.
    js: [
      "import { createRequire as auditRequire } from 'node:module'",
      "import { fileURLToPath as auditPath } from 'node:url'",
      'const require = auditRequire(import.meta.url)',
      'const __filename = auditPath(import.meta.url)',
      "const __dirname = auditPath(new URL('.', import.meta.url))",
      // Node 21 defines it. Without it, pg makes a Response to see whether it runs at Cloudflare, and Node 20 loads all of
      // undici for that: 40 ms.
      "globalThis.navigator ??= { userAgent: 'Node.js/20' }",
    ].join('\n'),
  },
  logLevel: 'warning',
}
const entries = (files) => files.map((file) => join(dist, file))
const { metafile } = await build({
  ...options,
  splitting: true,
  entryPoints: entries(['src/cli/shell/main.js', ...commands]),
})
// A user waits while a thread starts: as one file it starts in 55 ms instead of 85.
await build({ ...options, entryPoints: entries(['src/repo/verify/fold-worker.js']) })

// The bundle holds copies of other packages' code, and their licences require their texts beside it.
const packages = new Set(
  Object.keys(metafile.inputs).map((input) => /.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input)?.[0]),
)
const licences = [...packages].filter(Boolean).sort().map(licenceOf)
writeFileSync(join(next, 'LICENSES.txt'), licences.join('\n'))
rmSync(join(dist, 'bundle'), { recursive: true, force: true })
renameSync(next, join(dist, 'bundle'))

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text =
    file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : ''
  return `${name} ${version}, ${license}\n\n${text}\n`
}
