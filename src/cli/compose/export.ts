import type { ExportParts } from '../../export/export-chain.js'
import type { Context } from '../context.js'

/** What an export is made with. `tool` is the name and version of this program. */
export async function exportPartsOf(
  context: Context,
  target: { path: string; replace: boolean },
  tool: string,
): Promise<ExportParts> {
  const [{ OutputFile }, { bundleFiles }, { nodeHasher }, { postgresExport }] = await Promise.all([
    import('../../export/output-file.js'),
    import('../../export/bundle-files.js'),
    import('../../node-hasher.js'),
    import('../../repo/export-snapshot.js'),
  ])
  const output = new OutputFile(target.path, target.replace)
  // Before a database is opened, or a server started, for nothing.
  await output.assertFree()
  const files = bundleFiles()
  return { store: postgresExport(await context.database()), output, hasher: nodeHasher, files, tool }
}
