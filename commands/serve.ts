import * as Flags from '@oclif/core/flags'
import { jwtFlags, jwtOf, spicedbFlags, spicedbOf } from '../src/cli/access/flags.js'
import { integerFlag } from '../src/cli/flags/integer.js'
import { assertTlsPair, PORTS, trustedProxiesOf } from '../src/cli/serve/flags.js'
import { probeFlags, probeSettingsOf, scrapesOf } from '../src/cli/serve/probe-flags.js'
import { runServe } from '../src/cli/serve/run.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { accessOf } from '../src/compose/access.js'

export default class Serve extends AuditCommand {
  static override summary = 'The HTTP read surface: list, get with proof, verify, erase'
  static override description =
    `Prints its URL when it listens, and serves until a signal: then requests under way are answered and it ends with 143
(SIGTERM) or 130 (SIGINT). A second signal ends it at once. Its log goes to stderr, a JSON object a line. docs/http.md
has the limits, the fields of the log and what to put in front of it.

It verifies every chain when it starts, and goes on verifying: /readyz answers 200 only while all of them stand
(docs/readiness.md). Prometheus scrapes it on a port of its own.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --port 8080',
    '<%= config.bin %> <%= command.id %> --host 0.0.0.0 --port 8443 --tls-cert cert.pem --tls-key key.pem',
  ]

  static override flags = {
    host: Flags.string({ default: '127.0.0.1', helpValue: 'ADDRESS', summary: 'the address to listen on' }),
    port: integerFlag({
      ...PORTS,
      default: 8080,
      summary: 'the port to listen on; 0 takes a free one',
    }),
    'tls-cert': Flags.string({ helpValue: 'FILE', summary: 'certificate chain in PEM; serves HTTPS' }),
    'tls-key': Flags.string({ helpValue: 'FILE', summary: 'its private key in PEM' }),
    'trusted-proxy': Flags.string({
      multiple: true,
      helpValue: 'ADDRESS',
      summary: 'an address or network (10.0.0.0/8) whose X-Forwarded-For is believed; none by default',
    }),
    'max-verifies': integerFlag({
      min: 1,
      max: 64,
      default: 2,
      summary: 'verifies that run at once; more are answered with 429',
    }),
    ...jwtFlags,
    ...spicedbFlags,
    ...probeFlags,
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Serve)
    const { 'tls-cert': tlsCert, 'tls-key': tlsKey } = flags
    assertTlsPair(tlsCert, tlsKey)
    const options = {
      host: flags.host,
      port: flags.port,
      tlsCert,
      tlsKey,
      trustedProxies: trustedProxiesOf(flags['trusted-proxy']),
      maxVerifies: flags['max-verifies'],
      probeSettings: probeSettingsOf(flags),
      scrapes: scrapesOf(flags),
      version: this.config.version,
      json: flags.json,
    }
    const access = { jwt: jwtOf(flags), spicedb: spicedbOf(flags) }
    const context = await this.context(flags)
    const run = runServe(options, context, this.out, this.signal, () => accessOf(context, access))
    this.exitWith(await run)
  }
}
