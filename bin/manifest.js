// Writes oclif.manifest.json beside the package.json of a directory (default: this package), from its built commands.
// Does what `oclif manifest` does, without the 200 packages of the oclif command line. Not shipped.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Plugin } from '@oclif/core/config'
import { settings } from '@oclif/core/settings'

settings.enableAutoTranspile = false
const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)))
const plugin = new Plugin({
  // A command that cannot be loaded must fail the build, not be left out.
  errorOnManifestCreate: true,
  ignoreManifest: true,
  respectNoCacheDefault: true,
  root,
  type: 'core',
})
await plugin.load()
// Sort the commands: another machine's file system may list them in another order.
const commands = Object.fromEntries(
  Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1)),
)
const manifest = { ...plugin.manifest, commands }
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
