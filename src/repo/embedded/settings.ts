/**
 * The settings that every start fixes, with precedence over the home's postgresql.conf. The socket directory is relative
 * to the data directory, because a home may be moved. Statements and their values hold personal data and must not reach
 * the log. So errors of statements are not logged at all, and a start logs only a few lines.
 */
export const SETTINGS = {
  listen_addresses: '',
  port: '5432',
  unix_socket_directories: '..',
  unix_socket_permissions: '0700',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
}
