import * as Flags from '@oclif/core/flags'
import { jwtFlags, parseJwt, parseSpicedb, spicedbFlags } from '../src/cli/access/flags.js'
import { integerFlag } from '../src/cli/flags/integer.js'
import { lockFlags } from '../src/cli/flags/lock-timeout.js'
import { policyFlags } from '../src/cli/flags/policy.js'
import { assertTlsPair, PORTS, parseTrustedProxies } from '../src/cli/serve/flags.js'
import { metricsAddressFromFlags, probeFlags, probeSettingsFromFlags } from '../src/cli/serve/probe-flags.js'
import { runServe } from '../src/cli/serve/run.js'
import { AuditCommand } from '../src/cli/shell/base-command.js'
import { openAccess } from '../src/compose/access.js'

export default class Serve extends AuditCommand {
  static override mayCreateHome = true
  static override warnsOfClock = false
  static override summary = 'Serve the HTTP API: list, get with proof, verify, erase'
  static override description =
    `Prints its URL when it listens, and serves until a signal. It then answers the running requests and exits with 143
(SIGTERM) or 130 (SIGINT); a second signal ends it at once. The log goes to stderr, one JSON object per line. docs/http.md
describes the limits, the fields of the log and what to put in front of the server.

Verifies every chain at the start, and keeps verifying: /readyz answers 200 only while every chain is intact
(docs/readiness.md). Prometheus scrapes metrics on a separate port.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --port 8080',
    '<%= config.bin %> <%= command.id %> --host 0.0.0.0 --port 8443 --tls-cert cert.pem --tls-key key.pem',
  ]

  static override flags = {
    ...lockFlags,
    host: Flags.string({ default: '127.0.0.1', helpValue: 'ADDRESS', summary: 'the address to listen on' }),
    port: integerFlag({
      ...PORTS,
      default: 8080,
      summary: 'the port to listen on; 0 chooses a free port',
    }),
    'tls-cert': Flags.string({ helpValue: 'FILE', summary: 'the certificate chain (PEM); serves HTTPS' }),
    'tls-key': Flags.string({ helpValue: 'FILE', summary: 'the private key of the certificate (PEM)' }),
    'trusted-proxy': Flags.string({
      multiple: true,
      helpValue: 'ADDRESS',
      summary: 'an address or network (10.0.0.0/8) whose X-Forwarded-For is trusted; default: none',
    }),
    'max-verifies': integerFlag({
      min: 1,
      max: 64,
      default: 2,
      summary: 'verifications that run at once; further requests are answered with 429',
    }),
    ...jwtFlags,
    ...spicedbFlags,
    ...policyFlags,
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
      trustedProxies: parseTrustedProxies(flags['trusted-proxy']),
      maxVerifies: flags['max-verifies'],
      probeSettings: probeSettingsFromFlags(flags),
      metricsAddress: metricsAddressFromFlags(flags),
      version: this.config.version,
      json: flags.json,
    }
    const access = { jwt: parseJwt(flags), spicedb: parseSpicedb(flags) }
    const context = await this.context(flags)
    const run = runServe(options, context, this.out, this.signal, () => openAccess(context, access))
    this.exitWith(await run)
  }
}
