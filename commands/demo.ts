import { BareCommand } from '../src/cli/shell/bare-command.js'

export default class Demo extends BareCommand {
  static override mayCreateHome = true
  static override summary =
    'Append real events, verify them, forge a row and then the hashes after it, and see both found, in a temporary home'
  static override description =
    `Prints each step, and last the command that opens the report. With --json it prints only what was found, and the path of the
report. The home is removed afterwards. The report stays in the temporary folder.`

  override async run(): Promise<void> {
    const { flags } = await this.parse(Demo)
    const { runDemo } = await import('../src/cli/demo/run.js')
    const tool = `${this.config.name}/${this.config.version}`
    await runDemo(this.config.root, { json: flags.json, tool }, this.out, this.signal)
  }
}
