import type { ContentKindName, DeviceEventKind, DownloadArrival, Platform, RolloutState } from '@hotpatch/protocol'
import type { Generated, Kysely, Transaction } from 'kysely'

/** What kind of key it is. */
export type KeyAlgorithm = 'ed25519' | 'rsa' | 'minisign' | 'sparkle-ed25519'

/** How something is signed. `ed25519-digest` is Signing §5, the others §10. */
export type SignatureScheme = 'ed25519-digest' | 'rsa-sha256' | 'rsa-sha256-digest' | 'minisign' | 'sparkle-ed25519'

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
    /** Whether the fleet knows devices by the id that they tell, or by a keyed hash of it. */
    device_ids: 'hashed' | 'as-given'
    event_retention_days: number
    device_retention_days: number
    /** How long the bytes of a release stay after it was archived; null: for good. */
    archived_retention_days: number | null
    /** What differs from the guard that every rollout gets. */
    guard: string
    /** What differs from whom guards and plans believe by default. */
    trust: string
    /** Whether a device is in the cohorts that it says it is in. */
    device_cohorts: 'ignored' | 'allowed'
    /** Whether installations get a secret that shows that a report is theirs. */
    device_credentials: 'off' | 'optional' | 'required'
    created_at: number
    /** Its slug is free again, and nobody finds it. */
    deleted_at: number | null
  }
  /** What its binaries are called: each names one app. */
  app_bundle_id: { bundle_id: string; app_id: string }
  /** `last_position` is that of the newest rollout, on whichever platform. */
  channel: {
    id: string
    app_id: string
    name: string
    last_position: number
    created_at: number
    /** Whether devices may choose it by themselves. */
    device_choice: 'closed' | 'open'
  }
  /** What names an app and one of its channels, sealed; `key_hash` is its SHA-256, so that no two are the same. */
  channel_key: {
    id: string
    app_id: string
    channel: string
    name: string
    key: string
    key_hash: string
    created_at: number
    created_by: string
    revoked_at: number | null
    /** Of clients that tell none; null: those tell theirs. */
    platform: Platform | null
  }
  /**
   * That a channel has a page to install from, and whom it lets in. `secret`, sealed, signs what lets somebody in: it
   * changes with the page.
   */
  install_page: {
    id: string
    app_id: string
    channel: string
    access: 'open' | 'protected'
    password_hash: string | null
    secret: string
    changed_at: number
  }
  signing_key: {
    id: string
    app_id: string
    algorithm: KeyAlgorithm
    public_key: string
    name: string
    created_at: number
    created_by: string
    revoked_at: number | null
  }
  /** Appcast §7: that its publisher has signed a feed with these bytes. `platform`: what was asked for, or `each`. */
  signed_appcast: {
    id: string
    app_id: string
    channel: string
    platform: Platform | 'each'
    sha256: string
    key_id: string
    value: string
    created_at: number
    created_by: string
  }
  /** `kept_until`: uploaded before its release, and removed then unless one came; null: a release has it. */
  artifact: {
    sha256: string
    size_bytes: number
    content_type: string
    created_at: number
    kept_until: number | null
    /** Whether nobody has tried yet how small it becomes. */
    awaits_compression: number
    /** Of an archive, whether nobody has tried yet to pack its files anew. */
    awaits_packing: number
    /** Until when its bytes are there, of what none but archived releases have any more; null: for good. */
    bytes_until: number | null
  }
  /**
   * Of which artifacts an app has shown that it has them: it has sent them, or a release of it has them. `kept_until` as
   * in `artifact`.
   */
  app_artifact: { app_id: string; sha256: string; kept_until: number | null }
  /** What a check found of an artifact, as each kind of content that it came as. */
  artifact_facts: { sha256: string; kind: string; facts: string }
  /** What is kept of an export of Expo's, by the SHA-256 of its list of files, as JSON. */
  expo_export: { sha256: string; exported: string }
  /** Other bytes that become an artifact: made later, and held against its digest by whoever takes them. */
  artifact_variant: {
    sha256: string
    variant_sha256: string
    kind: 'patch' | 'compressed'
    /** Such as `br` or `bsdiff`. */
    algorithm: string
    /** The artifact that a patch is applied to. */
    base_sha256: string | null
    created_at: number
  }
  /** Content §11. Of a file of which nothing could be made, both are null. */
  block_map: {
    sha256: string
    /** Of the map beside the file. */
    map_sha256: string | null
    /** Of the map in the file. */
    embedded_bytes: number | null
    created_at: number
  }
  /** Code Push §6: what changed of a zip since another one. Of a pair for which nothing was worth it, `diff_sha256` is null. */
  package_diff: {
    sha256: string
    base_sha256: string
    /** Of the base: what clients know it by. */
    base_package: string
    diff_sha256: string | null
    created_at: number
  }
  /**
   * Content §12: that a patch is wanted of what devices have, and what came of it. Its bytes are in `artifact_variant`, or,
   * to an encrypted release, in `sent_patch`.
   */
  patch: {
    id: string
    app_id: string
    /** Of the trees of two archives, or of the files that are run first, in one format. */
    kind: 'tree' | 'bsdiff40' | 'bsdiff43'
    release_id: string
    /** What it is made of, a release or what a binary shipped with: one of the two is not null. */
    base_release_id: string | null
    base_embedded_id: string | null
    /** Of the archives, or of the files. */
    sha256: string
    base_sha256: string
    /** Of what is not `waiting` and not `made`, why there is none: it is not tried again. */
    state: 'waiting' | 'made' | 'not-smaller' | 'too-large' | 'lost' | 'pruned'
    /** Content §3.1, where it was made. */
    tree: string | null
    base_tree: string | null
    created_at: number
    /** Who asked for it; null: the server, by itself. */
    created_by: string | null
    finished_at: number | null
  }
  /**
   * Encryption §4.1: its bytes, where whoever publishes has made and encrypted it. By patch, and so by app: another app with
   * the same releases has its own, as nobody here can look whether one is right.
   */
  sent_patch: {
    patch_id: string
    /** How it is packed, as its publisher says. */
    format: string
    sha256: string
    created_at: number
  }
  /** What was begun in the background and has not ended: under way, or the process ended in the middle of it. */
  interrupted_work: { name: string; tries: number }
  release: {
    id: string
    app_id: string
    platform: Platform
    version: string
    channel: string
    sequence: number
    /** What its publisher signed of it; null: unsigned, or of the bundle only. */
    statement_id: string | null
    kind: ContentKindName
    /** Orders whole binaries; null of what has none. */
    version_code: number | null
    /** That its tool has given the build, where clients know it by that. */
    build_id: string | null
    /** Of the file that is run first, where clients take patches of that file alone; null: of others. */
    launch_sha256: string | null
    requirement: string
    notes: string
    created_at: number
    created_by: string
    archived_at: number | null
    /** Since when nothing of it can be downloaded, but for what other releases have too. */
    bytes_removed_at: number | null
  }
  /**
   * What a publisher signed: the exact text, and what stands in it. A release, a rollout that states its target again,
   * or a guard's step back refers to it.
   */
  statement: {
    id: string
    app_id: string
    platform: Platform
    sequence: number
    floor: number
    text: string
    signature: string
    key_id: string
    /** When it says that it was signed, where that can be read. */
    stated_at: number | null
  }
  /** What else was signed of a release, for clients that verify something other than its statement. */
  signature: {
    release_id: string
    /** What was signed: the name of an artifact. */
    subject: string
    scheme: SignatureScheme
    key_id: string
    value: string
  }
  /**
   * What a release consists of: artifacts of its statement under their names, and `asset`s under the paths that its
   * manifest lists or that they have in its archive. At least one of `sha256`, an artifact here, and `url`, elsewhere.
   * An `icon` has the path of the `binary` that it was made of.
   */
  release_file: {
    release_id: string
    path: string
    role: 'archive' | 'manifest' | 'asset' | 'binary' | 'component' | 'icon'
    sha256: string | null
    size_bytes: number
    content_type: string
    platform: Platform | null
    architecture: string | null
    format: string | null
    component: string | null
    url: string | null
    /** Of a delta: the build that it makes the new one of. */
    delta_from: string | null
  }
  /**
   * Other digests of a file, for clients that ask for one, in hex but for `sha512`, which is in base64: `sha256` of what
   * lies elsewhere, `package` over what an archive contains.
   */
  file_digest: {
    release_id: string
    role: string
    path: string
    algorithm: 'sha256' | 'sha512' | 'md5' | 'package'
    value: string
  }
  /**
   * The same release encrypted by its publisher, for devices that have the key: other bytes, that only they can hold
   * against its digest.
   */
  release_variant: {
    id: string
    release_id: string
    /** Of the registry of variant algorithms. */
    algorithm: string
    key_id: string
    /** JSON of what a device needs to take it, as the algorithm has it. */
    facts: string
    sha256: string
    size_bytes: number
    created_at: number
    created_by: string
  }
  /** Its files, each encrypted by itself. */
  release_variant_file: { variant_id: string; path: string; sha256: string; size_bytes: number; checksum: string }
  /** What a publish on a channel asked for, as a hash, and was answered: the same request again gets the same answer. */
  publication: { release_id: string; channel: string; request_digest: string; answer: string }
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
    /** Of shells below this native version, too. */
    mandatory_below: string | null
    percentage: number
    devices: string
    cohorts: string
    /** Attribute rules that narrow the audience. */
    rules: string
    /** The arm of an A/B test: which part of the fleet. */
    slice: string | null
    experiment_id: string | null
    /** Whether its start lies ahead, or was not told yet. */
    awaits_start: number
    salt: string
    buckets: number
    /** Null: by the number of buckets. */
    drawing: 'code-push' | null
    /** Its target stated again; null: the target's own statement stands. */
    statement_id: string | null
    created_at: number
    created_by: string
    updated_at: number
    /** When it was halted or withdrawn, whichever came first. */
    ended_at: number | null
    /** As another server has counted it (Code Push §3); null: one above the one below it. */
    label_number: number | null
    /** Rises with every change: of two people who change it at once, the second is told. */
    revision: number
    /** Placed, and paused until a second person has approved it. */
    awaits_approval: number
  }
  /** A channel on which only some may publish. */
  channel_protection: {
    app_id: string
    channel: string
    /** As JSON, like the next two. */
    roles: string
    people: string
    tokens: string
    needs_approval: number
    updated_at: number
    updated_by: string
  }
  /** A change of a rollout for which one person is not enough. */
  proposal: {
    id: string
    app_id: string
    channel: string
    rollout_id: string
    kind: 'start' | 'change' | 'resume'
    /** As JSON; null where the kind says it all. */
    changes: string | null
    /** Of the rollout, when this was proposed. */
    revision: number
    state: 'open' | 'approved' | 'rejected' | 'withdrawn' | 'overtaken'
    actor_kind: 'token' | 'person'
    actor_id: string
    /** Who is behind it. */
    person_id: string | null
    proposed_at: number
    proposed_by: string
    decided_at: number | null
    decided_by: string | null
    reason: string | null
  }
  /** The certificate by which clients verify answers that their publisher has signed in advance. */
  answer_certificate: {
    app_id: string
    /** As the clients are built to expect it. */
    key_id: string
    /** PEM. */
    certificate: string
    /** PEM of those between it and the one that clients have; empty: they have this one. */
    chain: string
    created_at: number
    created_by: string
  }
  /** An answer that its publisher has signed to the last byte. */
  signed_answer: {
    id: string
    app_id: string
    platform: Platform
    key_id: string
    says: 'update' | 'roll-back'
    /** Of an update: of its `files.json`. */
    sha256: string | null
    runtime_version: string | null
    /** The time that it says of itself. */
    answered_at: number
    body: string
    signature: string
    created_at: number
    created_by: string
  }
  /** By which a server speaks for an app at its edge. `private_key` is sealed. */
  edge_key: { id: string; app_id: string; public_key: string; private_key: string; created_at: number }
  /** What a publisher has signed of these keys: the exact text. */
  edge_key_document: {
    app_id: string
    version: number
    text: string
    signature: string
    created_at: number
    created_by: string
  }
  /** The newest word of the edge of a catalog. */
  edge_pointer: {
    app_id: string
    platform: Platform
    channel: string
    generation: number
    keys_version: number
    /** Of the catalog that it was made of. */
    catalog_generation: number
    catalog_sha256: string
    envelope: string
    /** A JSON list of the rollouts that devices must ask the server for, each with the reason. */
    obstacles: string
    expires_at: number
    /** When it is to be made anew: well before it expires, or when a rollout begins. */
    renew_at: number
  }
  edge_catalog: {
    app_id: string
    sha256: string
    text: string
    /** When a pointer last came to name it. */
    used_at: number
  }
  /** What a binary shipped with: devices name it by its id. */
  embedded_update: {
    app_id: string
    platform: Platform
    /** Of an archive, the digest of its tree (Content §3.1). */
    update_id: string
    kind: 'expo' | 'archive'
    /** When the binary was built: for Expo's clients the time of the update. Null where nobody said so. */
    built_at: number | null
    runtime_version: string | null
    /** A JSON list: builds may ship with the same. */
    native_versions: string
    /** Of Expo's, the bundle that is run first; of an archive, a zip of all of it. */
    sha256: string
    size_bytes: number
    created_at: number
    created_by: string
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
    /** A JSON object of what else it told of itself, by the names of the registry. */
    attributes: string
    /** The client protocol that it speaks. */
    dialect: string | null
    current_release_id: string | null
    current_version: string | null
    cohorts: string
    last_decision: string | null
    last_reason: string | null
    last_check_at: number | null
    /** The rollout that it was last offered, or got what it runs from, and how far it came (`PROGRESS`). */
    rollout_id: string | null
    progress: number
    first_check_at: number | null
    /** Since when it counts as seen over time: a check that came long enough after its first one. */
    established_at: number | null
    /** A keyed hash of the network that it last checked from; null: an address that names none. */
    network: string | null
    /** Since when there is a credential: whoever reports without it is not believed. */
    credential_at: number | null
    first_seen_at: number
    last_seen_at: number
    /** Since when it counts as uninstalled: not seen for long. */
    gone_at: number | null
    /** What it takes and refuses (D11), told together; `trusted_keys` is a JSON list. Null: it never told. */
    high_water: number | null
    device_floor: number | null
    trusted_keys: string | null
    held_release_id: string | null
    embedded_built_at: number | null
  }
  /** How much room the events of an app take; deleted ones count as the average of all. */
  event_usage: {
    app_id: string
    events: number
    bytes: number
    /** Events that were counted and not stored. */
    not_kept: number
  }
  /** The same by the hour in which they arrived. */
  unkept_hour: { app_id: string; hour_at: number; events: number }
  device_event: {
    id: string
    app_id: string
    device_id: string
    kind: DeviceEventKind
    release_id: string | null
    version: string | null
    code: string | null
    detail: string | null
    rollout_id: string | null
    received_bytes: number | null
    /** Of what was downloaded, how it came. */
    arrival: DownloadArrival | null
    /** Of a kit, the component that it is about; null: all of it. */
    component: string | null
    occurred_at: number
    received_at: number
  }
  /** How far a device came with a rollout: each bit of `progress` is set once, and counted once (`PROGRESS`). */
  rollout_device: {
    device_id: string
    rollout_id: string
    progress: number
    offered_at: number | null
    attempted_at: number | null
    changed_at: number
    /** Whether it had checked before the rollout began. */
    is_known: number
    /** Whether and where it counts in the sample that decides (`STANDING`); null until it has attempted the rollout. */
    standing: number | null
    standing_at: number | null
    /** Of the sample: from where it counts. */
    network: string | null
  }
  /**
   * Devices of a rollout by the hour in which each first came so far; `attempted` and `attempted_bad` (those of them
   * that failed, rolled back or crashed, whenever that was) by the hour of the attempt, so that one divides the other.
   */
  rollout_hour: {
    rollout_id: string
    hour_at: number
    offered: number
    download_started: number
    downloaded: number
    download_failed: number
    applied: number
    confirmed: number
    running: number
    failed: number
    rolled_back: number
    crashed: number
    attempted: number
    attempted_bad: number
    /** Of what was downloaded: how often a device told the bytes that it took, and how many. */
    told_downloads: number
    received_bytes: number
    /** Of these, those that came as a patch of what the device ran, and those that came packed. */
    told_patched: number
    patched_bytes: number
    told_packed: number
    packed_bytes: number
    /** How often either did not work, and the whole download followed. */
    patch_failed: number
  }
  /** Devices that attempted a rollout, by their standing and the hour in which they got it. */
  rollout_sample: {
    rollout_id: string
    hour_at: number
    standing: number
    attempted: number
    attempted_bad: number
  }
  /** How many devices of a network are in a rollout's sample, by the day (UTC) on which they came into it. */
  rollout_network: { rollout_id: string; day_at: number; network: string; devices: number; bad: number }
  /** How many devices showed themselves in a period (UTC; weeks from Monday), by what they ran at the first time. */
  activity: {
    app_id: string
    period: 'hour' | 'day' | 'week' | 'month'
    starts_at: number
    platform: Platform
    channel: string
    /** Empty: embedded. */
    version: string
    devices: number
  }
  check_hour: {
    app_id: string
    hour_at: number
    platform: Platform
    channel: string
    decision: string
    reason: string
    checks: number
  }
  download_hour: { sha256: string; release_id: string; hour_at: number; downloads: number; sent_bytes: number }
  /** Which batches of a server's counters are written: one that is written again counts once. */
  fleet_source: { id: string; last_batch: number; written_at: number }
  /** A list of devices with a name; every change raises its generation. */
  cohort: {
    id: string
    app_id: string
    name: string
    description: string
    generation: number
    created_at: number
    created_by: string
    updated_at: number
  }
  cohort_member: { cohort_id: string; device_id: string }
  /** An A/B test: its arms are rollouts with slices. */
  experiment: {
    id: string
    app_id: string
    platform: Platform
    channel: string
    name: string
    state: 'running' | 'finished'
    percentage: number
    arms: string
    winner: string | null
    created_at: number
    created_by: string
    finished_at: number | null
  }
  /** Widens its rollout by steps. `revision` rises with every change: who changes an older one is refused. */
  rollout_plan: {
    rollout_id: string
    state: 'running' | 'finished'
    steps: string
    windows: string | null
    step: number
    step_started_at: number | null
    /** How many devices had attempted the rollout when the step began. */
    step_base: number
    /** The rollout's sample at that time, by standing. */
    step_sample: string | null
    revision: number
    updated_at: number
  }
  /** Watches its rollout. */
  rollout_guard: {
    rollout_id: string
    state: 'watching' | 'tripped' | 'over'
    settings: string
    /** Since its rollout was placed, or a person rearmed it. */
    since_at: number
    /** What the counters had then, which is not counted again. */
    base: string
    looks: number
    /** At the last look: all that had attempted it since, and how many of the window were bad. */
    last_sample: number
    last_bad: number
    last_look_at: number | null
    tripped_at: number | null
    /** What it tripped at. */
    figures: string | null
    revision: number
  }
  /** Roll-backs of a rollout that its publisher signed in advance, nearest first; `release_id` is null for embedded. */
  step_back: { rollout_id: string; step: number; release_id: string | null; statement_id: string }
  /**
   * What webhooks and the live stream tell, written with the change itself. Ids are in the order of making, positions
   * in the order of being told, which never changes; null until then.
   */
  announcement: {
    id: string
    app_id: string | null
    type: string
    at: number
    data: string
    position: number | null
  }
  webhook: {
    id: string
    app_id: string | null
    url: string
    types: string
    /** `[{ secret, expiresAt }]`, newest first; one that was rotated out still signs until it expires. */
    secrets: string
    is_enabled: number
    /** Why the server disabled it. */
    disabled_reason: string | null
    /** Since when no attempt has succeeded. */
    failing_since: number | null
    last_failed_at: number | null
    created_at: number
    created_by: string
    updated_at: number
  }
  webhook_delivery: {
    id: string
    webhook_id: string
    announcement_id: string
    type: string
    payload: string
    state: 'pending' | 'delivered' | 'failed'
    attempts: number
    /** Of one that is being sent: when its claim lapses. */
    next_attempt_at: number | null
    /** When that was decided: the wait is as long as from here to there, whatever the clock is set to meanwhile. */
    planned_at: number
    /** Whose attempt is under way: only that one writes what came of it. */
    claim: string | null
    last_status: number | null
    last_error: string | null
    duration_ms: number | null
    /** The newest attempts. */
    log: string
    created_at: number
    finished_at: number | null
  }
  server_setting: { name: string; value: string }
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
    /** The token that it was made with, and ends with; null for the first owner's, and for those that people make. */
    parent_id: string | null
    /** Who stands behind it, and bounds what it may do. */
    person_id: string | null
    /** As JSON, like the next two; null: every channel. */
    channels: string | null
    /** Null: all those of the role. */
    permissions: string | null
    /** From which it works; null: from everywhere. */
    allowed_addresses: string | null
    /** Of a rule's own token, and of those that jobs get by it. */
    trust_rule_id: string | null
  }
  /**
   * Who may exchange which tokens of an issuer. What they get is made with the rule's own token, which has what the rule
   * grants and whose secret nobody knows.
   */
  trust_rule: {
    id: string
    name: string
    issuer: string
    audience: string
    conditions: string
    lifetime_ms: number
    token_id: string
    created_at: number
    created_by: string
    last_used_at: number | null
  }
  /** Each counts once; kept until it would have expired. */
  used_identity_token: { digest: string; expires_at: number }
  /** The one issuer at which people sign in. `client_secret` is sealed. */
  single_sign_on: {
    id: 'single-sign-on'
    name: string
    issuer: string
    client_id: string
    client_secret: string | null
    scopes: string
    group_claim: string
    /** Which groups give what, as JSON. */
    group_grants: string
    makes_people: number
    links_people: number
    believes_emails: number
    /** Nobody but owners signs in otherwise. */
    is_only_way: number
    session_ms: number
    changed_at: number
    changed_by: string
  }
  /** All that came of one exchange of an API token: it ends as a whole. */
  token_family: {
    id: string
    token_id: string
    created_at: number
    /** When the newest refresh token of it does. */
    expires_at: number
    ended_at: number | null
  }
  refresh_token: {
    id: string
    family_id: string
    token_hash: string
    created_at: number
    expires_at: number
    used_at: number | null
  }
  /** Somebody who signs in. Of a disabled one nothing works, and everything is kept. */
  person: {
    id: string
    name: string
    /** In lower case. */
    email: string
    email_verified: number
    image: string | null
    two_factor_enabled: number
    created_at: number
    updated_at: number
    signed_in_at: number | null
    disabled_at: number | null
  }
  /** A role over everything, or for one app. */
  person_grant: {
    id: string
    person_id: string
    role: 'owner' | 'admin' | 'publisher' | 'reader'
    app_id: string | null
    /** Who gave it: people, or the person's groups at the newest sign-in. */
    source: Generated<'people' | 'single-sign-on'>
  }
  /** A signed-in browser. What it has is `token`, signed with a key that is not in the database. */
  person_session: {
    id: string
    person_id: string
    token: string
    ip_address: string | null
    user_agent: string | null
    created_at: number
    updated_at: number
    expires_at: number
    /** Then it ends at `expires_at`, however much it is used. */
    by_single_sign_on: Generated<number>
  }
  /** A password (`credential`), or an account of somebody else's at which the person signs in. */
  sign_in_method: {
    id: string
    person_id: string
    provider_id: string
    account_id: string
    password: string | null
    access_token: string | null
    refresh_token: string | null
    id_token: string | null
    access_token_expires_at: number | null
    refresh_token_expires_at: number | null
    scope: string | null
    created_at: number
    updated_at: number
  }
  /** What a sign-in that is under way has to come back with. */
  sign_in_verification: {
    id: string
    identifier: string
    value: string
    created_at: number
    updated_at: number
    expires_at: number
  }
  /** `secret` and `backup_codes` are encrypted with a key that is not in the database. */
  two_factor: {
    id: string
    person_id: string
    secret: string
    backup_codes: string
    verified: number
    failed_verification_count: number
    locked_until: number | null
  }
  /** Each code counts once. */
  used_totp_code: { person_id: string; code: string; used_at: number }
  passkey: {
    id: string
    person_id: string
    name: string
    credential_id: string
    public_key: string
    counter: number
    /** As JSON. */
    transports: string
    is_backed_up: number
    created_at: number
    used_at: number | null
  }
  /** Works once. Its secret is in the fragment of an address, and here only its SHA-256. */
  one_time_link: {
    id: string
    kind: 'first-owner' | 'invitation' | 'reset'
    secret_hash: string
    email: string | null
    name: string | null
    /** What whoever comes by it gets, as JSON: roles and ids of apps. */
    grants: string
    /** Whose password it sets. */
    person_id: string | null
    removes_second_factor: number
    created_at: number
    created_by: string
    created_by_person: string | null
    /** That it was made with, if not by a person who was signed in. */
    created_by_token: string | null
    expires_at: number
    used_at: number | null
  }
  /** Attempts to sign in that failed, of an account, a browser or an address. */
  sign_in_failure: { counted_for: string; failures: number; failed_at: number; locked_until: number }
  audit_entry: {
    id: string
    at: number
    actor_id: string | null
    actor_name: string
    actor_kind: 'token' | 'person' | 'server' | 'guard' | 'plan'
    action: string
    subject_kind: string
    subject_id: string
    app_id: string | null
    address: string | null
    request_id: string | null
    before: string | null
    after: string | null
    /** Who is behind the actor, where that is known. */
    person_id: string | null
  }
  audit_seal: {
    position: number
    entry_id: string
    previous_hash: string
    hash: string
  }
  /** Entries that wait for their seal. */
  audit_unsealed: {
    entry_id: string
  }
}

export type Database = Kysely<Schema>

/** A transaction is just another connection. */
export type Connection = Database | Transaction<Schema>
