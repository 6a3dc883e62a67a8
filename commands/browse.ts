import * as Args from '@oclif/core/args'
import { assertTerminal, terminalLooks } from '../src/cli/browse/terminal-looks.js'
import { chainFlags, parseOptionalChain, parseTypedChain } from '../src/cli/flags/chain.js'
import { mirrorFlags } from '../src/cli/flags/mirror.js'
import { namesFlags } from '../src/cli/flags/names.js'
import { rememberFlags } from '../src/cli/flags/remember.js'
import { chosenCopy, sourceFlag } from '../src/cli/flags/source.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import type { Memory } from '../src/cli/verify/remember/memory.js'

export default class Browse extends AuditCommand {
  static override summary = 'Look at chains, rows and findings on a full screen'
  static override description =
    `Shows the chains, the rows of a chain with filters and a timeline, and one row with its proof. Verifies from inside. It
only reads: a verification from here writes nothing to the quarantine, and the exit code is no verdict. With --remember a
verification compares the remembered heads, and writes that of an intact chain. The key ? shows all keys.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --domain UUID --source both',
    '<%= config.bin %> <%= command.id %> --source mirror --mirror file:///copy/of/the/bucket',
    '<%= config.bin %> <%= command.id %> evidence.tar',
  ]

  static override args = {
    file: Args.string({ description: 'an evidence file that `export` wrote; it needs no --domain' }),
  }

  static override flags = {
    ...chainFlags,
    ...namesFlags,
    ...mirrorFlags,
    ...rememberFlags,
    source: sourceFlag(
      'read',
      ['postgres', 'mirror', 'both', 'bundle'],
      ', both shows each row in the two copies',
    ),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(Browse)
    const { flags } = parsed
    assertTerminal(flags.json)
    const { source, file } = chosenCopy(flags.source, parsed.args.file)
    const domainId = source === 'bundle' ? parseTypedChain(parsed) : parseOptionalChain(parsed)
    const context = await this.context(flags)
    const asked = { chainNames: this.names, memory: await memoryOf(flags.remember) }
    const [{ openBundle, openInstallation }, { runBrowse }] = await Promise.all([
      import('../src/cli/browse/open.js'),
      import('../src/cli/browse/run.js'),
    ])
    const data =
      source === 'bundle'
        ? openBundle(context, { path: file, domainId }, asked)
        : openInstallation(context, source, asked)
    await runBrowse({ domainId, ...terminalLooks() }, data, this.signal)
  }
}

async function memoryOf(path: string | undefined): Promise<Memory | undefined> {
  if (path === undefined) return undefined
  const { Memory } = await import('../src/cli/verify/remember/memory.js')
  return Memory.open(path)
}
