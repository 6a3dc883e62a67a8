import type { Command } from '@oclif/core/command'
import { CommandHelp, Help } from '@oclif/core/help'
import { EXIT_MEANINGS } from './exit-codes.js'

/**
 * oclif writes each flag of a usage once, and leaves an empty place in every other list of flags that exclude each other or depend
 * on each other. Hidden flags leave such places too. Removes them.
 */
class CommandHelpWithoutGaps extends CommandHelp {
  protected override defaultUsage(): string {
    return super
      .defaultUsage()
      .replace(/(?: +\|)+(?= +\||[\])])/g, '')
      .replace(/ +(?=[\])])/g, '')
      .replace(/ {2,}/g, ' ')
  }
}

/** oclif's help, with the exit codes below it. */
export class AuditHelp extends Help {
  protected override CommandHelpClass = CommandHelpWithoutGaps

  /** Joins the lines of each paragraph, because oclif wraps them again at the width of the terminal. */
  override formatCommand(command: Command.Loadable): string {
    const { description } = command
    if (description === undefined) return super.formatCommand(command)
    return super.formatCommand({ ...command, description: joinLines(description) })
  }

  override async showHelp(argv: string[]): Promise<void> {
    await super.showHelp(argv)
    this.log(this.section('EXIT CODES', this.renderList(exitCodeRows(), { indentation: 2 })))
  }
}

/** Joins lines that are neither the end of a paragraph nor followed by an indented line. */
function joinLines(text: string): string {
  return text.replace(/(?<!\n)\n(?![\n ])/g, ' ')
}

function exitCodeRows(): [string, string][] {
  return EXIT_MEANINGS.map(({ codes, meaning }) => [codes.join(', '), meaning])
}
