/** Settings of the embedded server: durable always, small enough for a laptop, closed to the network. */

export interface ServerSettings {
  readonly socketDir: string;
  /** False only for the throw-away cluster of the tests. */
  readonly isDurable: boolean;
}

/** The port only names the socket file; nothing listens on TCP. */
export const socketPort = 5432;

/** serverArguments returns the command line of `postgres`, data folder excluded. */
export function serverArguments(settings: ServerSettings): string[] {
  const values: Record<string, string> = {
    listen_addresses: '',
    port: String(socketPort),
    unix_socket_directories: settings.socketDir,
    unix_socket_permissions: '0700',
    password_encryption: 'scram-sha-256',
    max_connections: '100',
    shared_buffers: '64MB',
    effective_cache_size: '512MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    min_wal_size: '64MB',
    max_wal_size: '512MB',
    checkpoint_completion_target: '0.9',
    random_page_cost: '1.1',
    io_method: 'sync',
    jit: 'off',
    fsync: settings.isDurable ? 'on' : 'off',
    synchronous_commit: settings.isDurable ? 'on' : 'off',
    full_page_writes: settings.isDurable ? 'on' : 'off',
    // After a crash every file is synced before replay: a thousand one by one take seconds, the file system at once does not.
    recovery_init_sync_method: process.platform === 'linux' ? 'syncfs' : 'fsync',
    autovacuum_naptime: '30s',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'warning',
    // Statements hold people's words; an error's line names the failure without them.
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
