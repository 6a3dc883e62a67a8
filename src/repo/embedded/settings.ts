/**
 * Fixed at every start, above the home's own postgresql.conf. The socket directory is relative to the data directory:
 * a home may be moved. A statement or a value of it (personal data) must not reach the log, so errors of statements are
 * not logged at all; what is left is a few lines a start.
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
