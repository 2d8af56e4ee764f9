import type { DeviceEventKind, Platform, RolloutState } from '@hotpatch/protocol'
import type { Kysely, Transaction } from 'kysely'

/**
 * The tables, the same on SQLite and PostgreSQL. Times are milliseconds since 1970, truth values 0 or 1,
 * lists and objects JSON text: what both databases store alike.
 */
export interface Schema {
  app: {
    id: string
    slug: string
    name: string
    app_key: string
    platforms: string
    check_access: 'app-key' | 'open'
    bucketing: 'per-rollout' | 'per-app' | 'original'
    signing: 'optional' | 'required'
    created_at: number
  }
  /** `last_position` is that of the newest rollout, on whichever platform. */
  channel: { id: string; app_id: string; name: string; last_position: number; created_at: number }
  signing_key: {
    id: string
    app_id: string
    public_key: string
    name: string
    created_at: number
    created_by: string
    revoked_at: number | null
  }
  artifact: { sha256: string; size_bytes: number; content_type: string; created_at: number }
  release: {
    id: string
    app_id: string
    platform: Platform
    version: string
    channel: string
    sequence: number
    floor: number
    sha256: string
    size_bytes: number
    file_count: number
    requirement: string
    notes: string
    signature: string | null
    statement: string | null
    statement_signature: string | null
    key_id: string | null
    created_at: number
    created_by: string
    archived_at: number | null
  }
  rollout: {
    id: string
    app_id: string
    platform: Platform
    channel: string
    position: number
    release_id: string | null
    state: RolloutState
    starts_at: number | null
    mandatory: number
    percentage: number
    devices: string
    cohorts: string
    salt: string
    buckets: number
    sequence: number | null
    floor: number | null
    statement: string | null
    statement_signature: string | null
    created_at: number
    created_by: string
    updated_at: number
  }
  /** The highest sequence that any statement of (app, platform) has taken. */
  platform_sequence: { app_id: string; platform: Platform; last_sequence: number }
  /** Raised by every change of a catalog; a server whose catalog has another generation compiles it anew. */
  catalog_generation: { app_id: string; platform: Platform; channel: string; generation: number }
  device: {
    app_id: string
    device_id: string
    platform: Platform
    channel: string
    native_version: string | null
    runtime_version: string | null
    current_release_id: string | null
    current_version: string | null
    cohorts: string
    last_decision: string | null
    last_reason: string | null
    first_seen_at: number
    last_seen_at: number
  }
  device_event: {
    id: string
    app_id: string
    device_id: string
    kind: DeviceEventKind
    release_id: string | null
    version: string | null
    code: string | null
    detail: string | null
    occurred_at: number
    received_at: number
  }
  /** Releases that are not offered to a device again (D4). */
  device_failure: { app_id: string; device_id: string; release_id: string; failed_at: number }
  api_token: {
    id: string
    name: string
    role: 'owner' | 'admin' | 'publisher' | 'reader'
    app_id: string | null
    token_hash: string
    created_at: number
    created_by: string
    expires_at: number | null
    last_used_at: number | null
    revoked_at: number | null
  }
  refresh_token: {
    id: string
    token_id: string
    token_hash: string
    created_at: number
    expires_at: number
    used_at: number | null
  }
  audit_entry: {
    id: string
    at: number
    actor_id: string | null
    actor_name: string
    action: string
    subject_kind: string
    subject_id: string
    app_id: string | null
    address: string | null
    request_id: string | null
    before: string | null
    after: string | null
  }
}

export type Database = Kysely<Schema>

/** A transaction is just another connection. */
export type Connection = Database | Transaction<Schema>
