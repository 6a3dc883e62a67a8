import * as Flags from '@oclif/core/flags'
import { streamKeys } from '../../src/access/keys.js'
import { KEY_LIST } from '../../src/cli/access/key-text.js'
import { parseHolder } from '../../src/cli/access/subject.js'
import { chainsFlags, parseChains } from '../../src/cli/flags/chain.js'
import { flagValue } from '../../src/cli/flags/flag-value.js'
import { namesFlags } from '../../src/cli/flags/names.js'
import { printStream } from '../../src/cli/output/print-stream.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { onSameLog } from '../../src/cli/shell/given-log.js'
import { openKeyStore } from '../../src/compose/access.js'
import { openEntryReader } from '../../src/compose/query.js'
import { assertKnown } from '../../src/query/list.js'

export default class KeyList extends AuditCommand {
  static override summary = 'List the API keys of a chain, or of --all; with --json, one per line'

  static override flags = {
    ...chainsFlags,
    ...namesFlags,
    subject: Flags.string({ helpValue: 'SUBJECT', summary: 'only the keys of this user:ID or service:ID' }),
    active: Flags.boolean({ summary: 'only keys that are neither expired nor revoked' }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(KeyList)
    const { flags } = parsed
    const { subject } = flags
    const chain = parseChains(parsed)
    const filter = {
      domainId: chain === 'all' ? undefined : chain,
      subject: subject === undefined ? undefined : flagValue('--subject', () => parseHolder(subject)),
      activeOnly: flags.active === true,
    }
    const context = await this.context(flags)
    const count = await printStream(this.out, streamKeys(await openKeyStore(context), filter), {
      json: flags.json,
      ...KEY_LIST,
    })
    if (count > 0) return
    if (chain !== 'all') await assertKnown(await openEntryReader(context), chain)
    const isFiltered = filter.activeOnly || filter.subject !== undefined
    note(isFiltered ? 'no keys match' : onSameLog('no keys; run: audit key create'))
  }
}
