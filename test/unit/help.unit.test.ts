import { Config } from '@oclif/core/config'
import { describe, expect, it } from 'vitest'
import { AuditHelp } from '../../src/cli/shell/help.js'

const config = await Config.load({ root: process.cwd(), userPlugins: false, devPlugins: false })
const commands = config.commands.filter(({ hidden }) => hidden !== true)

/** Returns the usage of a command on one line. */
function usageOf(id: string): string {
  const text = new AuditHelp(config, { maxWidth: 5_000 }).formatCommand(
    config.findCommand(id, { must: true }),
  )
  return /USAGE\n *([^\n]*)/.exec(text)?.[1] ?? ''
}

describe('the help of a command', () => {
  it.each(commands.map(({ id }) => id))('has a usage without an empty place: %s', (id) => {
    const usage = usageOf(id)
    expect(usage).toMatch(/^\$ audit /)
    expect(usage).not.toMatch(/\| *\||\| *[\])]|[[(] *\|| [\])]| {2}/)
  })

  it.each([
    ['list', '[--last N | [--all | --limit N | --cursor TEXT] | --around SEQ]'],
    ['list', '[-f | --reverse | --to TIME | --to-seq N | --event-to TIME]'],
    ['list', '[--context-rows N]'],
  ])('keeps what excludes each other in the usage of %s: %s', (id, words) => {
    expect(usageOf(id)).toContain(words)
  })
})
