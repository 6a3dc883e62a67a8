import type { ExportDeps } from '../bundle/export-chain.js'
import type { Context } from './context.js'

/** What an export works with. `tool` is the name and version of this program. */
export async function openExportDeps(
  context: Context,
  target: { path: string; replace: boolean },
  tool: string,
): Promise<ExportDeps> {
  const [{ OutputFile }, { bundleFiles }, { nodeHasher }, { postgresExport }] = await Promise.all([
    import('../bundle/output-file.js'),
    import('../bundle/bundle-files.js'),
    import('../base/node-hasher.js'),
    import('../repo/bundle/export-snapshot.js'),
  ])
  const output = new OutputFile(target.path, target.replace)
  // Check first, before a database is opened or a server started in vain.
  await output.assertFree()
  const files = bundleFiles()
  return { store: postgresExport(await context.database()), output, hasher: nodeHasher, files, tool }
}
