import type { ExportDeps } from '../bundle/export-chain.js'
import type { ExportedCopy } from '../bundle/read/copy-export.js'
import type { ExportStore } from '../ports/bundle.js'
import type { Context } from './context.js'

/**
 * What an export works with. `tool` is the name and version of this program. `copy` is the mirror or the bundle to export from;
 * absent for PostgreSQL. No database is opened for a copy.
 */
export async function openExportDeps(
  context: Context,
  target: { path: string; replace: boolean },
  tool: string,
  copy?: ExportedCopy,
): Promise<ExportDeps> {
  const [{ OutputFile }, { bundleFiles }, { nodeHasher }] = await Promise.all([
    import('../bundle/output-file.js'),
    import('../bundle/bundle-files.js'),
    import('../base/node-hasher.js'),
  ])
  const output = new OutputFile(target.path, target.replace)
  // Check first, before a database is opened or a server started in vain.
  await output.assertFree()
  const files = bundleFiles()
  return { store: await storeOf(context, copy), output, hasher: nodeHasher, files, tool }
}

async function storeOf(context: Context, copy: ExportedCopy | undefined): Promise<ExportStore> {
  if (copy === undefined) {
    const { postgresExport } = await import('../repo/bundle/export-snapshot.js')
    return postgresExport(await context.database())
  }
  const { copyExport } = await import('../bundle/read/copy-export.js')
  return copyExport(copy)
}
