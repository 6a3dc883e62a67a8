import type { Advice, AdviceCode, PlainAdvice } from '../../base/advice.js'
import type { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import { chainWords } from '../flags/chain-words.js'
import { hideCredentials } from '../output/safe-text.js'
import { onSameLog } from './given-log.js'
import { mirrorSettings, mirrorWords, quoted } from './mirror-words.js'
import { verifyWords } from './verify-words.js'

/** A sentence for each plain advice, and a function that words the facts for each other advice. */
type HintTable = { readonly [C in PlainAdvice]: string } & {
  readonly [C in Exclude<AdviceCode, PlainAdvice>]: (advice: Extract<Advice, { code: C }>) => string
}

const PEPPER = 'give the pepper that the chain was begun with (--pepper)'
const HOME = 'choose another --home (AUDIT_HOME)'
const OWN_DATABASE = 'name a PostgreSQL of your own with --database-url (AUDIT_DATABASE_URL)'
const FIND_CHAIN =
  'run: audit domain list; to find a Domain that was deleted altogether, run: audit verify --all'

/** The words that the command line prints for each advice: a command to run, or a flag to change. */
export const HINTS = {
  create_domain: 'run: audit domain create',
  list_domains: 'run: audit domain list',
  give_id_or_names: 'give the whole id, or --names FILE with lines of a UUID and a name',
  list_or_create_domain: 'run: audit domain list, or: audit domain create',
  name_chain: 'name the chain: domain_id or platform in the line, --domain or --platform',
  choose_platform_chain: 'use --platform, or "platform": true in the line',
  platform_chain_begins_by_itself: 'the platform chain begins by itself',
  verify_all: 'run: audit verify --all',
  verify_all_copies:
    'only a chain that is not in the database is restored; run: audit verify --all --source both, with the same --mirror and --mirror-map',
  pin_within_segment: 'pin a row of the segment or the row before it, or verify the whole chain',
  save_results_again:
    'use an undamaged file, or save new results of an intact log: audit verify --all --json > FILE',
  start_without_cursor: 'start again without a cursor',
  page_or_stream: 'page with the cursor, or stream with --all',
  search_by_subject_id: 'to search by a subject id, use --subject-id',
  list_keys: 'run: audit key list --all',
  list_relations: 'run: audit relation list',
  list_all_relations: 'run: audit relation list --all',
  list_holds: 'run: audit hold list --all',
  list_released_holds: 'run: audit hold list --all --released',
  list_quarantine: 'run: audit quarantine list --all',
  acknowledge_fewer: 'give fewer ids, or a lower --up-to, and repeat the command',
  act_as_owner:
    'give --actor user:ID (AUDIT_ACTOR); make an owner with: audit relation grant --relation owner',
  check_subject: 'check what was given: a subject_id must match to the letter',
  keep_people_out:
    'the chain cannot forget: keep people in subject and context, or name them as user:, identity: or apikey: objects',
  choose_other_relation: 'name the action by a relation of your own, outside of audit.*',
  name_case_not_person: 'name the case, not the person: the hold records whom it covers',
  use_new_idempotency_key: 'nothing was written; another entry needs a key of its own',
  change_relations_in_spicedb:
    'run: zed relationship create, or delete (docs/access.md); AUDIT_SPICEDB_ENDPOINT makes SpiceDB decide',
  name_cloudtrail_format:
    'CloudTrail files need --format cloudtrail; for other files, run: gunzip < FILE | audit append --stdin',
  choose_other_output: 'give another --output, or --force to replace the file',
  choose_other_proof: 'give --proof another FILE, or remove the file',
  name_proven_row: 'name the row that the file must prove: --entry HASH or --object FILE',
  give_policy: 'give --policy FILE (AUDIT_POLICY), with a key that did not come from this log',
  fetch_bundle_again: 'fetch the file again and compare its sha256 with the one that the export printed',
  pin_selected_row: 'pin a row of the selection, or get a bundle of the whole range',
  allow_filtered: 'give --allow-filtered if that is enough, or get a bundle of the whole range',
  export_around_row: 'nothing was written; upgrade audit, or export the rows before and after this row',
  name_pepper:
    'give --pepper file:///path, env:NAME or openbao://… (AUDIT_PEPPER): the pepper that the chains were begun with',
  name_vault:
    'give --pepper openbao://host/mount/prefix (AUDIT_PEPPER); a key file needs no provisioning: it derives a pepper for every Domain',
  check_pepper_url: 'check --pepper (AUDIT_PEPPER)',
  give_first_pepper: PEPPER,
  give_first_pepper_or_break_continuity: `${PEPPER}; another pepper would break forensic continuity`,
  give_first_pepper_or_pseudonym: `${PEPPER}, or a pseudonym (--subject)`,
  give_first_pepper_to_restore: `${PEPPER}; nothing was restored`,
  put_back_first_pepper: 'put back the pepper that the chain was begun with; nothing was overwritten',
  restore_key_file:
    'put the key file back from its backup; a new key file cannot be the pepper of these chains',
  roll_back_secret: 'roll back to the version before it',
  undelete_secret: 'undelete it: bao kv undelete',
  check_vault_token: 'check the token, its policy and BAO_NAMESPACE: docs/pepper.md',
  give_vault_login:
    'set BAO_TOKEN (VAULT_TOKEN), or BAO_ROLE_ID and BAO_SECRET_ID (VAULT_ROLE_ID, VAULT_SECRET_ID)',
  retry_when_vault_answers: 'nothing was appended; try again when OpenBao answers',
  set_cursor_key_file:
    'set AUDIT_CURSOR_KEY_FILE to a file of 32 random bytes, mode 0600, the same file everywhere',
  check_log_key: 'check --log-key (AUDIT_LOG_KEY): file:///path of 32 raw bytes, or none',
  begin_signing:
    'give the key file of this log with --log-key (AUDIT_LOG_KEY); to begin to sign, run: audit log init',
  name_log: 'give --log-name (AUDIT_LOG_NAME), for example audit.example.com',
  give_first_log_key:
    'give the key file that this log was begun with: --log-key (AUDIT_LOG_KEY); or the --home (AUDIT_HOME) of this log',
  begin_beside_log_key:
    'give the key file that this log was begun with: --log-key (AUDIT_LOG_KEY); if it is lost, or if somebody forged that row, run: audit log init --confirm (docs/signing.md)',
  restore_log_key: 'put the file back from its backup; docs/signing.md says what to do where the key is lost',
  name_mirror: 'give --mirror s3://bucket/prefix or file:///dir (AUDIT_MIRROR_URL)',
  check_mirror: 'check --mirror (AUDIT_MIRROR_URL)',
  mount_mirror:
    'mount it, or check --mirror (AUDIT_MIRROR_URL) and the lines in the file of --mirror-map (AUDIT_MIRROR_MAP)',
  give_marked_mirror:
    'check --mirror (AUDIT_MIRROR_URL): this place belongs to another database, or its marker was changed; nothing was written (docs/archiver.md)',
  allow_marker:
    'allow writing and reading audit/mirror.json (s3:PutObject, s3:GetObject): a mirror begins with this marker; nothing was recorded',
  sign_rows:
    'the archiver signs the rows that it has uploaded; run: audit archiver --once (docs/signing.md says why a chain is not signed)',
  run_archiver: 'run: audit archiver --once; then see: audit archive status --all',
  find_claim_holder:
    'find the archiver that hangs, and end it; if none is running, find out who writes to the table audit_claim',
  verify_both_for_stamps: 'run: audit verify --source both, with the same pins',
  give_whole_mirror: 'give the mirror of the whole log, or verify single chains: --domain UUID',
  wait_for_restore: 'wait for it; a restore that was killed holds the chain for 15 seconds at most',
  sign_alerts_with_secret: 'alerts are signed: set AUDIT_ALERT_WEBHOOK_SECRET',
  give_alert_secret: 'set AUDIT_ALERT_WEBHOOK_SECRET or AUDIT_ALERT_WEBHOOK_SECRET_FILE',
  configure_database:
    'give --database-url (AUDIT_DATABASE_URL), or the --home (AUDIT_HOME) of a log that exists; a new log begins with: audit domain create',
  check_database_url: 'check --database-url (AUDIT_DATABASE_URL) and that the server accepts connections',
  grant_database_role:
    'grant the role what it needs: audit_reader to read and verify, audit_writer to append, audit_eraser to erase, audit_archiver for archiver and backfill, audit_access for keys and relations, audit_revealer to identify a person, audit_signer to sign heads',
  use_primary: 'commands that write need a primary: --database-url; verify works on a standby',
  copy_heads_first: 'copy tlog/ before audit/, so that every signed row is in the copy',
  restore_whole_copy:
    'restore from a copy that has these rows; --allow-broken-tail restores the rows that are there, and every later verify says that signed rows are gone',
  verify_primary: 'wait until the standby has caught up, or verify on the primary: --database-url',
  look_before_appending_again:
    'the rows may or may not be there: check with "audit list" before you append them again',
  look_before_repeating: 'look at what is there before you run the command again: audit list, audit verify',
  find_undoing_trigger:
    'a trigger or rule undoes writes; to see what was added to the tables, run: audit db status',
  find_withholding_trigger:
    'a trigger or rule withholds them; to see what was added to the tables, run: audit db status',
  give_one_client: 'take a client with pool.connect(), and give that client (docs/transactions.md)',
  give_client_of_sink_database:
    'give a client of the database of databaseUrl, or make a sink for its database',
  begin_transaction: "run: await client.query('BEGIN'), before recordIn",
  use_read_committed: 'begin the transaction with the isolation level READ COMMITTED',
  lock_in_order: 'give the entries of all chains in one call, or roll back and run the transaction again',
  commit_before_record: 'use recordIn for this entry too, or commit before record (docs/transactions.md)',
  roll_back_transaction: "run: await client.query('ROLLBACK'); the failure before this one says why",
  never_commit: "run: await client.query('ROLLBACK'), and never COMMIT (docs/transactions.md)",
  roll_back_and_retry: "run: await client.query('ROLLBACK'), and then the whole transaction again",
  find_quarantine_trigger: 'a rule or trigger on audit_tamper_quarantine drops them: find out who made it',
  migrate: 'run: audit db migrate',
  find_shadowing_relation:
    'find out who made it; to read one of them: ALTER ROLE … SET search_path, or ?options=-csearch_path%3DSCHEMA in the URL',
  reset_replication_role:
    'find out who set it; to see where, run: audit db status; then: ALTER DATABASE … RESET session_replication_role, or: ALTER ROLE … RESET session_replication_role',
  find_policy: 'find out who made the policy; to see it, run: audit db status',
  look_at_guards: 'find out who changed them, put them back (docs/database.md), and run: audit verify --all',
  put_back_column:
    'find out who changed it, and give the column the type of the migrations again (docs/database.md)',
  use_unmodified_build:
    'a landed migration never changes: use an unmodified build of audit, or find out who edited the record',
  upgrade: 'upgrade audit',
  upgrade_to_migrated_version: 'upgrade audit to the version that migrated this database',
  upgrade_or_find_intruder:
    'if a newer audit has written here, upgrade audit; if not, somebody forced that row in: this schema refuses it',
  choose_other_home: HOME,
  choose_other_home_or_be_owner: `run as its owner, or ${HOME}`,
  choose_other_home_or_be_server_owner: `run as the user that owns the home, or ${HOME}`,
  choose_other_home_or_move_directory: `that directory is no PostgreSQL database: move it away, or ${HOME}`,
  choose_other_home_or_make_space: `check that the home has space and is writable, or ${HOME}`,
  choose_other_home_or_older_audit: `use the version of audit that made it, or ${HOME}`,
  use_own_database: OWN_DATABASE,
  use_own_database_or_ordinary_user: `run as an ordinary user, or ${OWN_DATABASE}`,
  be_server_owner: 'run as the user that started it',
  end_other_start: 'end the audit process that is starting the embedded PostgreSQL, and try again',
  make_binaries_writable: 'make that directory writable once, or run: npm rebuild --ignore-scripts=false',
  verify_chain: ({ domainId }) => `run: ${verifyWords({ source: 'postgres', chain: domainId })}`,
  verify_mirror: ({ domainId }) => `run: ${verifyWords({ source: 'mirror', chain: domainId })}`,
  delete_forged_stamps: ({ removal }) =>
    `find out who writes to the table audit_archive_stamp; as its owner, run: psql "$AUDIT_DATABASE_URL" -c "${removal}"; then run: audit archiver --once`,
  reindex: ({ indexes }) =>
    `an upgrade of the C library can do this too; run: ${indexes.map((name) => `REINDEX INDEX CONCURRENTLY ${name}`).join('; ')}; until then, list with --verify`,
  verify_creation: ({ domainId }) =>
    `find out which record was changed; the rows are hashed: audit verify --platform, and: audit verify --domain ${domainId}`,
  find_chain: ({ copy }) => FIND_CHAIN_IN[copy],
  verify_pin_elsewhere: ({ domainId, head: { seq, hash } }) =>
    `verify a copy that holds the row: ${verifyWords({ source: 'mirror', chain: domainId })} --expect-head ${seq}:${hash}`,
  verify_both_copies: ({ given, domainId }) =>
    `run: ${verifyWords({ source: 'both', chain: domainId, given })}`,
  map_mirror: ({ domainId, url }) =>
    `find out where its mirror is${url === undefined ? '' : ' (the URL below is only what its records claim)'}, and add this line to the file of --mirror-map (AUDIT_MIRROR_MAP): ${domainId} ${url ?? 'URL'}`,
  check_mirror_line: ({ domainId }) =>
    `check that the mirror of Domain ${domainId} is mounted, and its line in the file of --mirror-map (AUDIT_MIRROR_MAP)`,
  name_again: ({ domainId }) =>
    `find out who changed the name; to set and record it again: audit domain name --domain ${domainId} --name NAME`,
  finish_restore: ({ domainId }) =>
    `wait for it, or run it again: audit archive restore ${chainWords(domainId)}, with the same --mirror and --mirror-map; if no restore is running, somebody removed the head`,
  provision_pepper: ({ domainId }) =>
    `for a chain that has rows, put its pepper back; for a new chain, run: audit pepper provision ${chainWords(domainId)}`,
  init_mirror: ({ given }) =>
    `check ${mirrorSettings(given)}; to begin the mirror there, run: audit ${given.domainId === undefined ? 'archiver --once' : `archive backfill ${chainWords(given.domainId)}`} --init-mirror${mirrorWords(given)}`,
  find_mirror: ({ given, domainId }) =>
    `check ${mirrorSettings(given)}, and that it is mounted; to begin a new mirror in place of one that is lost, run: audit archive backfill ${domainId === undefined ? '--all' : chainWords(domainId)} --init-mirror${mirrorWords(given)}`,
  find_chain_mirror: ({ given, domainId }) =>
    `give the mirror that holds the chain: --mirror (AUDIT_MIRROR_URL)${domainId === PLATFORM_ANCHOR ? '' : ', or its line in --mirror-map (AUDIT_MIRROR_MAP)'}; if its objects are lost, upload the rows again: audit archive backfill ${chainWords(domainId)}${mirrorWords(given)}`,
  end_lock_holder: ({ pids }) =>
    `end the transaction that holds it: ${endOf(pids)}; or wait longer: --lock-timeout (AUDIT_LOCK_TIMEOUT)`,
  end_archivers: ({ pids }) =>
    pids.length === 0
      ? 'wait until the claim has ended, and run: audit db migrate'
      : 'stop every archiver, which finishes its uploads first, and run: audit db migrate',
  give_log_name: ({ logName }) =>
    `give --log-name ${quoted(logName)} (AUDIT_LOG_NAME), or none in its own home`,
  make_private: ({ path }) => `chmod 600 ${quoted(path)}`,
  release_hold: ({ holdId }) =>
    `run: audit hold list --all; to release a hold: audit hold release ${holdId} --reason ...`,
  show_quarantine: ({ id }) => `run: audit quarantine show ${id}`,
  give_mirror_folder: ({ url, domainId }) =>
    `the mirror is in another folder; ${domainId === undefined ? `give: --mirror ${quoted(url)}, or this URL in its line of --mirror-map` : `the line in the file of --mirror-map (AUDIT_MIRROR_MAP) is then: ${domainId} ${url}`}`,
  shorten_home: ({ bytes }) => `choose a --home (AUDIT_HOME) of at most ${bytes} bytes`,
  read_server_log: ({ path }) => `see its log ${path}`,
  end_server_and_remove_file: ({ path }) =>
    `make sure that no PostgreSQL runs there (end it if one does), and remove the file: rm ${quoted(path)}`,
  stream_all_rows: ({ or }) => `stream every row with --all${or === undefined ? '' : `; or: ${hintFor(or)}`}`,
} as const satisfies HintTable

/** Returns how the sessions of these backends are ended, or found. */
function endOf(pids: readonly number[]): string {
  if (pids.length === 0) return 'find it with pg_blocking_pids() in pg_stat_activity'
  return pids.map((pid) => (pid === 0 ? 'ROLLBACK PREPARED' : `pg_terminate_backend(${pid})`)).join(', ')
}

/** A verifier who only has a copy of the mirror is not sent to a database. */
const FIND_CHAIN_IN = {
  bundle: 'check the file',
  postgres: FIND_CHAIN,
  both: FIND_CHAIN,
  mirror:
    'check --mirror (AUDIT_MIRROR_URL) and the id; to see what a mirror has, run: audit verify --all --source mirror',
} as const satisfies Record<Extract<Advice, { code: 'find_chain' }>['copy'], string>

/**
 * Returns the sentence for the advice of an error, or the hint of an error without advice. Its commands open the same log,
 * and it has no credentials.
 */
export function hintOf({ advice, hint }: AuditError): string | undefined {
  const text = advice === undefined ? hint : hintFor(advice)
  return text === undefined ? undefined : onSameLog(hideCredentials(text))
}

/** Returns the sentence that the command line prints for an advice. */
export function hintFor(advice: Advice): string {
  const hint: string | ((advice: never) => string) = HINTS[advice.code]
  return typeof hint === 'string' ? hint : hint(advice as never)
}
