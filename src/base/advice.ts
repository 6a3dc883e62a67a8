import type { ChainHead } from '../chain/entry.js'

/** The copies of a chain that a verify reads, as an advice names them. */
type Copy = 'postgres' | 'mirror' | 'both' | 'bundle'

/** Advice without facts. */
export type PlainAdvice =
  // Domains and chains.
  | 'create_domain'
  | 'list_domains'
  | 'give_id_or_names'
  | 'list_or_create_domain'
  | 'name_chain'
  | 'choose_platform_chain'
  | 'platform_chain_begins_by_itself'
  | 'verify_all'
  | 'verify_all_copies'
  | 'pin_within_segment'
  | 'save_results_again'
  | 'start_without_cursor'
  | 'page_or_stream'
  | 'search_by_subject_id'
  // Records that have an id.
  | 'list_keys'
  | 'list_relations'
  | 'list_all_relations'
  | 'list_holds'
  | 'list_released_holds'
  | 'list_quarantine'
  | 'acknowledge_fewer'
  // People and access.
  | 'act_as_owner'
  | 'check_subject'
  | 'keep_people_out'
  | 'choose_other_relation'
  | 'name_case_not_person'
  | 'use_new_idempotency_key'
  | 'change_relations_in_spicedb'
  // Input, bundles and exports.
  | 'name_cloudtrail_format'
  | 'choose_other_output'
  | 'choose_other_proof'
  | 'name_proven_row'
  | 'give_policy'
  | 'fetch_bundle_again'
  | 'pin_selected_row'
  | 'allow_filtered'
  | 'export_around_row'
  // The pepper.
  | 'name_pepper'
  | 'name_vault'
  | 'check_pepper_url'
  | 'give_first_pepper'
  | 'give_first_pepper_or_break_continuity'
  | 'give_first_pepper_or_pseudonym'
  | 'give_first_pepper_to_restore'
  | 'put_back_first_pepper'
  | 'restore_key_file'
  | 'roll_back_secret'
  | 'undelete_secret'
  | 'check_vault_token'
  | 'give_vault_login'
  | 'retry_when_vault_answers'
  | 'set_cursor_key_file'
  // The key of the log.
  | 'check_log_key'
  | 'begin_signing'
  | 'name_log'
  | 'give_first_log_key'
  | 'begin_beside_log_key'
  | 'restore_log_key'
  // Stores and services.
  | 'name_mirror'
  | 'check_mirror'
  | 'mount_mirror'
  | 'give_marked_mirror'
  | 'allow_marker'
  | 'run_archiver'
  | 'sign_rows'
  | 'find_claim_holder'
  | 'verify_both_for_stamps'
  | 'give_whole_mirror'
  | 'wait_for_restore'
  | 'sign_alerts_with_secret'
  | 'give_alert_secret'
  | 'configure_database'
  | 'check_database_url'
  | 'grant_database_role'
  | 'use_primary'
  | 'verify_primary'
  | 'copy_heads_first'
  | 'restore_whole_copy'
  | 'look_before_appending_again'
  | 'look_before_repeating'
  | 'find_undoing_trigger'
  | 'find_withholding_trigger'
  | 'find_quarantine_trigger'
  // The transaction of a caller.
  | 'give_one_client'
  | 'give_client_of_sink_database'
  | 'begin_transaction'
  | 'use_read_committed'
  | 'lock_in_order'
  | 'commit_before_record'
  | 'roll_back_transaction'
  | 'never_commit'
  | 'roll_back_and_retry'
  // The schema and the program.
  | 'migrate'
  | 'find_shadowing_relation'
  | 'reset_replication_role'
  | 'find_policy'
  | 'look_at_guards'
  | 'put_back_column'
  | 'use_unmodified_build'
  | 'upgrade'
  | 'upgrade_to_migrated_version'
  | 'upgrade_or_find_intruder'
  // The embedded server.
  | 'choose_other_home'
  | 'choose_other_home_or_be_owner'
  | 'choose_other_home_or_be_server_owner'
  | 'choose_other_home_or_move_directory'
  | 'choose_other_home_or_make_space'
  | 'choose_other_home_or_older_audit'
  | 'use_own_database'
  | 'use_own_database_or_ordinary_user'
  | 'be_server_owner'
  | 'end_other_start'
  | 'make_binaries_writable'

/** Where the operator said that mirrors are. A command that an advice names repeats it: without it, chains would go elsewhere. */
export interface GivenMirrors {
  /** The URL of the default mirror, or of the mirror that was given for one chain. */
  readonly url?: string | undefined
  /** The path of the map. */
  readonly map?: string | undefined
  /** The one chain that the URL was given for. */
  readonly domainId?: string | undefined
}

/**
 * What a caller can do about an error, as a closed set. Features and adapters give advice as a code and its facts;
 * each edge words it. The command line does so in cli/shell/hints.ts; HTTP leaves it out.
 */
export type Advice =
  | { readonly code: PlainAdvice }
  | { readonly code: 'verify_chain'; readonly domainId: string }
  | { readonly code: 'verify_mirror'; readonly domainId: string }
  /** `removal`: SQL for the owner of the tables. */
  | { readonly code: 'delete_forged_stamps'; readonly removal: string }
  | { readonly code: 'reindex'; readonly indexes: readonly string[] }
  | { readonly code: 'verify_creation'; readonly domainId: string }
  | { readonly code: 'find_chain'; readonly copy: Copy }
  | { readonly code: 'verify_pin_elsewhere'; readonly domainId: string; readonly head: ChainHead }
  | { readonly code: 'verify_both_copies'; readonly given: GivenMirrors; readonly domainId: string }
  /** `url`: what the records claim, to be checked. */
  | { readonly code: 'map_mirror'; readonly domainId: string; readonly url?: string | undefined }
  | { readonly code: 'check_mirror_line'; readonly domainId: string }
  | { readonly code: 'name_again'; readonly domainId: string }
  | { readonly code: 'finish_restore'; readonly domainId: string }
  | { readonly code: 'provision_pepper'; readonly domainId: string }
  | { readonly code: 'init_mirror'; readonly given: GivenMirrors }
  /** `domainId`: the one chain to upload again; absent for every chain. */
  | { readonly code: 'find_mirror'; readonly given: GivenMirrors; readonly domainId?: string | undefined }
  | { readonly code: 'find_chain_mirror'; readonly given: GivenMirrors; readonly domainId: string }
  /** `pids`: the backends that hold the lock, as far as they were seen; 0 for a prepared transaction. */
  | { readonly code: 'end_lock_holder'; readonly pids: readonly number[] }
  /** `pids`: the backends that renew the claims of the archivers; none where nobody was seen. */
  | { readonly code: 'end_archivers'; readonly pids: readonly number[] }
  /** `logName`: the name that the key of the log has signed. */
  | { readonly code: 'give_log_name'; readonly logName: string }
  | { readonly code: 'make_private'; readonly path: string }
  | { readonly code: 'release_hold'; readonly holdId: number }
  | { readonly code: 'show_quarantine'; readonly id: number }
  /** `domainId`: the chain whose line in the map names the mirror; absent where --mirror does. */
  | { readonly code: 'give_mirror_folder'; readonly url: string; readonly domainId?: string | undefined }
  | { readonly code: 'shorten_home'; readonly bytes: number }
  | { readonly code: 'read_server_log'; readonly path: string }
  | { readonly code: 'end_server_and_remove_file'; readonly path: string }
  /** `or`: what makes pages work. */
  | { readonly code: 'stream_all_rows'; readonly or: Advice | undefined }

export type AdviceCode = Advice['code']
