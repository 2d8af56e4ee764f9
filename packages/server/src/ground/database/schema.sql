create table activity (
  app_id text not null,
  period text not null check (period in ('hour', 'day', 'week', 'month')),
  starts_at bigint not null,
  platform text not null,
  channel text not null,
  version text not null,
  devices bigint not null,
  constraint activity_key primary key (app_id, period, starts_at, platform, channel, version)
) without rowid;

create table announcement (
  id text primary key,
  app_id text,
  type text not null,
  at bigint not null,
  data text not null,
  position bigint
);

create index announcement_position on announcement (position, id);

create table answer_certificate (
  app_id text not null,
  key_id text not null,
  certificate text not null,
  chain text not null,
  created_at bigint not null,
  created_by text not null,
  constraint answer_certificate_key primary key (app_id, key_id),
  constraint answer_certificate_app foreign key (app_id) references app (id)
);

create table api_token (
  id text primary key,
  name text not null,
  role text not null,
  app_id text,
  token_hash text not null unique,
  created_at bigint not null,
  created_by text not null,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint,
  parent_id text,
  person_id text,
  channels text,
  permissions text,
  allowed_addresses text,
  trust_rule_id text,
  constraint api_token_app foreign key (app_id) references app (id),
  constraint api_token_role check (role in ('owner', 'admin', 'publisher', 'reader'))
);

create index api_token_parent on api_token (parent_id);

create index api_token_person on api_token (person_id);

create index api_token_trust_rule on api_token (trust_rule_id);

create table app (
  id text primary key,
  slug text not null unique,
  name text not null,
  app_key text not null unique,
  platforms text not null,
  check_access text not null,
  bucketing text not null,
  signing text not null,
  created_at bigint not null,
  device_ids text default 'as-given' not null check (device_ids in ('hashed', 'as-given')),
  event_retention_days integer default 90 not null,
  device_retention_days integer default 400 not null,
  guard text default '{}' not null,
  trust text default '{}' not null,
  device_cohorts text default 'ignored' not null check (device_cohorts in ('ignored', 'allowed')),
  device_credentials text default 'off' not null check (device_credentials in ('off', 'optional', 'required')),
  deleted_at bigint,
  archived_retention_days integer,
  constraint app_check_access check (check_access in ('app-key', 'open')),
  constraint app_bucketing check (bucketing in ('per-rollout', 'per-app', 'original')),
  constraint app_signing check (signing in ('optional', 'required'))
);

create table app_artifact (
  app_id text not null,
  sha256 text not null,
  kept_until bigint,
  constraint app_artifact_key primary key (app_id, sha256),
  constraint app_artifact_app foreign key (app_id) references app (id),
  constraint app_artifact_artifact foreign key (sha256) references artifact (sha256) on delete cascade
);

create index app_artifact_sha256 on app_artifact (sha256);

create table app_bundle_id (
  bundle_id text primary key,
  app_id text not null,
  constraint app_bundle_id_app foreign key (app_id) references app (id)
);

create index app_bundle_id_of on app_bundle_id (app_id);

create table artifact (
  sha256 text primary key,
  size_bytes bigint not null,
  content_type text not null,
  created_at bigint not null,
  kept_until bigint,
  awaits_compression integer default 0 not null,
  awaits_packing integer default 0 not null,
  bytes_until bigint
);

create index artifact_awaits_compression on artifact (created_at) where awaits_compression = 1;

create index artifact_awaits_packing on artifact (created_at) where awaits_packing = 1;

create table artifact_facts (
  sha256 text not null,
  kind text not null check (kind in ('archive', 'files', 'binary', 'kit')),
  facts text not null,
  constraint artifact_facts_key primary key (sha256, kind),
  constraint artifact_facts_artifact foreign key (sha256) references artifact (sha256) on delete cascade
);

create table artifact_variant (
  sha256 text not null,
  variant_sha256 text not null,
  kind text not null,
  algorithm text not null,
  base_sha256 text,
  created_at bigint not null,
  constraint artifact_variant_key primary key (sha256, variant_sha256),
  constraint artifact_variant_artifact foreign key (sha256) references artifact (sha256),
  constraint artifact_variant_bytes foreign key (variant_sha256) references artifact (sha256),
  constraint artifact_variant_base foreign key (base_sha256) references artifact (sha256),
  constraint artifact_variant_kind check (kind in ('patch', 'compressed')),
  constraint artifact_variant_patch check ((kind = 'patch') = (base_sha256 is not null))
);

create index artifact_variant_bytes on artifact_variant (variant_sha256);

create table "audit_entry" ( id text primary key, at bigint not null, actor_id text, actor_name text not null, action text not null, subject_kind text not null, subject_id text not null, app_id text, address text, request_id text, before text, after text, actor_kind text default 'token' not null, person_id text, constraint audit_entry_actor_kind check (actor_kind in ('token', 'person', 'server', 'guard', 'plan')) );

create index audit_entry_actor on audit_entry (actor_id, id);

create index audit_entry_app on audit_entry (app_id, id);

create trigger audit_entry_no_delete before delete on audit_entry begin select raise(abort, 'the audit log is append-only'); end;

create trigger audit_entry_no_update before update on audit_entry begin select raise(abort, 'the audit log is append-only'); end;

create index audit_entry_subject on audit_entry (subject_id, id);

create table audit_seal (
  position bigint primary key,
  entry_id text not null,
  previous_hash text not null,
  hash text not null,
  constraint audit_seal_of unique (entry_id)
);

create trigger audit_seal_no_delete before delete on audit_seal begin select raise(abort, 'the audit log is append-only'); end;

create trigger audit_seal_no_update before update on audit_seal begin select raise(abort, 'the audit log is append-only'); end;

create table audit_unsealed (
  entry_id text primary key
);

create table block_map (
  sha256 text primary key,
  map_sha256 text,
  embedded_bytes bigint,
  created_at bigint not null,
  constraint block_map_artifact foreign key (sha256) references artifact (sha256),
  constraint block_map_bytes foreign key (map_sha256) references artifact (sha256)
);

create table catalog_generation (
  app_id text not null,
  platform text not null,
  channel text not null,
  generation bigint not null,
  constraint catalog_generation_key primary key (app_id, platform, channel),
  constraint catalog_generation_app foreign key (app_id) references app (id)
);

create table channel (
  id text primary key,
  app_id text not null,
  name text not null,
  last_position bigint not null,
  created_at bigint not null,
  device_choice text default 'closed' not null check (device_choice in ('closed', 'open')),
  constraint channel_name unique (app_id, name),
  constraint channel_app foreign key (app_id) references app (id)
);

create table channel_key (
  id text primary key,
  app_id text not null,
  channel text not null,
  name text not null,
  key text not null,
  key_hash text not null unique,
  created_at bigint not null,
  created_by text not null,
  revoked_at bigint,
  platform text,
  constraint channel_key_app foreign key (app_id) references app (id)
);

create index channel_key_place on channel_key (app_id, channel);

create table channel_protection (
  app_id text not null,
  channel text not null,
  roles text not null,
  people text not null,
  tokens text not null,
  needs_approval integer not null,
  updated_at bigint not null,
  updated_by text not null,
  constraint channel_protection_key primary key (app_id, channel),
  constraint channel_protection_app foreign key (app_id) references app (id)
);

create table check_hour (
  app_id text not null,
  hour_at bigint not null,
  platform text not null,
  channel text not null,
  decision text not null,
  reason text not null,
  checks bigint not null,
  constraint check_hour_key primary key (app_id, hour_at, platform, channel, decision, reason)
) without rowid;

create table cohort (
  id text primary key,
  app_id text not null,
  name text not null,
  description text not null,
  generation bigint not null,
  created_at bigint not null,
  created_by text not null,
  updated_at bigint not null,
  constraint cohort_name unique (app_id, name),
  constraint cohort_app foreign key (app_id) references app (id)
);

create table cohort_member (
  cohort_id text not null,
  device_id text not null,
  constraint cohort_member_key primary key (cohort_id, device_id),
  constraint cohort_member_cohort foreign key (cohort_id) references cohort (id) on delete cascade
) without rowid;

create table device (
  app_id text not null,
  device_id text not null,
  platform text not null,
  channel text not null,
  native_version text,
  runtime_version text,
  current_release_id text,
  current_version text,
  cohorts text not null,
  last_decision text,
  last_reason text,
  first_seen_at bigint not null,
  last_seen_at bigint not null,
  rollout_id text,
  last_check_at bigint,
  gone_at bigint,
  progress integer default 0 not null,
  high_water bigint,
  device_floor bigint,
  trusted_keys text,
  held_release_id text,
  first_check_at bigint,
  established_at bigint,
  credential_at bigint,
  network text,
  embedded_built_at bigint,
  attributes text default '{}' not null,
  dialect text,
  constraint device_key primary key (app_id, device_id),
  constraint device_app foreign key (app_id) references app (id)
);

create index device_gone on device (app_id, last_seen_at, device_id) where gone_at is not null;

create index device_high_water on device (app_id, platform, high_water) where high_water is not null;

create index device_place on device (app_id, platform, channel, current_release_id, gone_at, first_seen_at);

create index device_release on device (app_id, current_release_id, last_seen_at, device_id);

create index device_seen on device (app_id, last_seen_at, device_id);

create table device_event (
  id text not null,
  app_id text not null,
  device_id text not null,
  kind text not null,
  release_id text,
  version text,
  code text,
  detail text,
  occurred_at bigint not null,
  received_at bigint not null,
  rollout_id text,
  received_bytes bigint,
  arrival text,
  component text,
  constraint device_event_key primary key (app_id, id),
  constraint device_event_app foreign key (app_id) references app (id)
);

create index device_event_component on device_event (rollout_id, component, kind, device_id) where component is not null;

create index device_event_device on device_event (app_id, device_id, received_at);

create index device_event_time on device_event (app_id, received_at);

create table device_failure (
  app_id text not null,
  device_id text not null,
  release_id text not null,
  failed_at bigint not null,
  constraint device_failure_key primary key (app_id, device_id, release_id),
  constraint device_failure_app foreign key (app_id) references app (id)
);

create index device_failure_release on device_failure (app_id, release_id, device_id);

create index device_failure_time on device_failure (failed_at);

create table download_hour (
  sha256 text not null,
  release_id text not null,
  hour_at bigint not null,
  downloads bigint not null,
  sent_bytes bigint not null,
  constraint download_hour_key primary key (sha256, release_id, hour_at)
) without rowid;

create table edge_catalog (
  app_id text not null constraint edge_catalog_app references app (id),
  sha256 text not null,
  text text not null,
  used_at bigint not null,
  primary key (app_id, sha256)
);

create table edge_key (
  id text primary key,
  app_id text not null constraint edge_key_app references app (id),
  public_key text not null,
  private_key text not null,
  created_at bigint not null
);

create index edge_key_by_app on edge_key (app_id, id);

create table edge_key_document (
  app_id text primary key constraint edge_key_document_app references app (id),
  version integer not null,
  text text not null,
  signature text not null,
  created_at bigint not null,
  created_by text not null
);

create table edge_pointer (
  app_id text not null constraint edge_pointer_app references app (id),
  platform text not null,
  channel text not null,
  generation bigint not null,
  keys_version integer not null,
  catalog_generation bigint not null,
  catalog_sha256 text not null,
  envelope text not null,
  obstacles text not null,
  expires_at bigint not null,
  renew_at bigint not null,
  primary key (app_id, platform, channel)
);

create table embedded_update (
  app_id text not null,
  platform text not null,
  update_id text not null,
  kind text not null,
  built_at bigint,
  runtime_version text,
  native_versions text not null,
  sha256 text not null,
  size_bytes bigint not null,
  created_at bigint not null,
  created_by text not null,
  constraint embedded_update_key primary key (app_id, platform, update_id),
  constraint embedded_update_app foreign key (app_id) references app (id),
  constraint embedded_update_artifact foreign key (sha256) references artifact (sha256),
  constraint embedded_update_kind check (kind in ('expo', 'archive'))
);

create index embedded_update_sha256 on embedded_update (sha256);

create table event_usage (
  app_id text primary key,
  events bigint not null,
  bytes bigint not null,
  not_kept bigint not null
);

create table experiment (
  id text primary key,
  app_id text not null,
  platform text not null,
  channel text not null,
  name text not null,
  state text not null check (state in ('running', 'finished')),
  percentage double precision not null,
  arms text not null,
  winner text,
  created_at bigint not null,
  created_by text not null,
  finished_at bigint,
  constraint experiment_channel foreign key (app_id, channel) references channel (app_id, name)
);

create index experiment_app on experiment (app_id, id);

create table expo_export (
  sha256 text primary key,
  exported text not null,
  constraint expo_export_artifact foreign key (sha256) references artifact (sha256) on delete cascade
);

create table file_digest (
  release_id text not null,
  role text not null,
  path text not null,
  algorithm text not null,
  value text not null,
  constraint file_digest_key primary key (release_id, role, path, algorithm),
  constraint file_digest_file foreign key (release_id, role, path) references release_file (release_id, role, path),
  constraint file_digest_algorithm check (algorithm in ('sha256', 'sha512', 'md5', 'package'))
);

create index file_digest_value on file_digest (value);

create table fleet_source (
  id text primary key,
  last_batch bigint not null,
  written_at bigint not null
);

create table install_page (
  id text primary key,
  app_id text not null,
  channel text not null,
  access text not null check (access in ('open', 'protected')),
  password_hash text,
  secret text not null,
  changed_at bigint not null,
  constraint install_page_of unique (app_id, channel),
  constraint install_page_app foreign key (app_id) references app (id)
);

create table interrupted_work (
  name text not null,
  tries integer not null,
  constraint interrupted_work_key primary key (name)
);

create table one_time_link (
  id text not null,
  kind text not null,
  secret_hash text not null,
  email text,
  name text,
  grants text not null,
  person_id text,
  removes_second_factor integer default 0 not null,
  created_at bigint not null,
  created_by text not null,
  created_by_person text,
  expires_at bigint not null,
  used_at bigint,
  created_by_token text,
  constraint one_time_link_key primary key (id),
  constraint one_time_link_secret unique (secret_hash),
  constraint one_time_link_kind check (kind in ('first-owner', 'invitation', 'reset')),
  constraint one_time_link_person foreign key (person_id) references person (id) on delete cascade
);

create index one_time_link_expiry on one_time_link (expires_at);

create table package_diff (
  sha256 text not null,
  base_sha256 text not null,
  base_package text not null,
  diff_sha256 text,
  created_at bigint not null,
  constraint package_diff_key primary key (sha256, base_sha256),
  constraint package_diff_artifact foreign key (sha256) references artifact (sha256),
  constraint package_diff_base foreign key (base_sha256) references artifact (sha256),
  constraint package_diff_bytes foreign key (diff_sha256) references artifact (sha256)
);

create table passkey (
  id text not null,
  person_id text not null,
  name text not null,
  credential_id text not null,
  public_key text not null,
  counter bigint not null,
  transports text not null,
  is_backed_up integer not null,
  created_at bigint not null,
  used_at bigint,
  constraint passkey_key primary key (id),
  constraint passkey_credential unique (credential_id),
  constraint passkey_person foreign key (person_id) references person (id) on delete cascade
);

create index passkey_of_person on passkey (person_id);

create table patch (
  id text primary key,
  app_id text not null,
  kind text not null,
  release_id text not null,
  base_release_id text,
  base_embedded_id text,
  sha256 text not null,
  base_sha256 text not null,
  state text not null,
  tree text,
  base_tree text,
  created_at bigint not null,
  created_by text,
  finished_at bigint,
  constraint patch_once unique (app_id, kind, sha256, base_sha256),
  constraint patch_app foreign key (app_id) references app (id),
  constraint patch_release foreign key (release_id) references release (id),
  constraint patch_base_release foreign key (base_release_id) references release (id),
  constraint patch_artifact foreign key (sha256) references artifact (sha256),
  constraint patch_base foreign key (base_sha256) references artifact (sha256),
  constraint patch_kind check (kind in ('tree', 'bsdiff40', 'bsdiff43')),
  constraint patch_of_one check ((base_release_id is null) <> (base_embedded_id is null)),
  constraint patch_state check (state in ('waiting', 'made', 'not-smaller', 'too-large', 'lost', 'pruned'))
);

create index patch_sha256 on patch (sha256, base_sha256);

create index patch_waiting on patch (id) where state = 'waiting';

create table person (
  id text not null,
  name text not null,
  email text not null,
  email_verified integer not null,
  image text,
  two_factor_enabled integer default 0 not null,
  created_at bigint not null,
  updated_at bigint not null,
  signed_in_at bigint,
  disabled_at bigint,
  constraint person_key primary key (id),
  constraint person_email unique (email)
);

create table person_grant (
  id text not null,
  person_id text not null,
  role text not null,
  app_id text,
  source text default 'people' not null,
  constraint person_grant_key primary key (id),
  constraint person_grant_role check (role in ('owner', 'admin', 'publisher', 'reader')),
  constraint person_grant_person foreign key (person_id) references person (id) on delete cascade,
  constraint person_grant_app foreign key (app_id) references app (id)
);

create index person_grant_of_app on person_grant (app_id);

create unique index person_grant_place on person_grant (person_id, coalesce(app_id, ''), source);

create table person_session (
  id text not null,
  person_id text not null,
  token text not null,
  ip_address text,
  user_agent text,
  created_at bigint not null,
  updated_at bigint not null,
  expires_at bigint not null,
  by_single_sign_on integer default 0 not null,
  constraint person_session_key primary key (id),
  constraint person_session_token unique (token),
  constraint person_session_person foreign key (person_id) references person (id) on delete cascade
);

create index person_session_expiry on person_session (expires_at);

create index person_session_of_person on person_session (person_id);

create table platform_sequence (
  app_id text not null,
  platform text not null,
  last_sequence bigint not null,
  constraint platform_sequence_key primary key (app_id, platform),
  constraint platform_sequence_app foreign key (app_id) references app (id)
);

create table proposal (
  id text not null,
  app_id text not null,
  channel text not null,
  rollout_id text not null,
  kind text not null,
  changes text,
  revision bigint not null,
  state text not null,
  actor_kind text not null,
  actor_id text not null,
  person_id text,
  proposed_at bigint not null,
  proposed_by text not null,
  decided_at bigint,
  decided_by text,
  reason text,
  constraint proposal_key primary key (id),
  constraint proposal_rollout foreign key (rollout_id) references rollout (id),
  constraint proposal_app foreign key (app_id) references app (id),
  constraint proposal_kind check (kind in ('start', 'change', 'resume')),
  constraint proposal_state check (state in ('open', 'approved', 'rejected', 'withdrawn', 'overtaken'))
);

create index proposal_of_app on proposal (app_id, id);

create unique index proposal_open on proposal (rollout_id, kind) where state = 'open';

create table publication (
  release_id text not null,
  channel text not null,
  request_digest text not null,
  answer text not null,
  constraint publication_key primary key (release_id, channel),
  constraint publication_release foreign key (release_id) references release (id)
);

create table refresh_token (
  id text primary key,
  family_id text not null,
  token_hash text not null unique,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  constraint refresh_token_family foreign key (family_id) references token_family (id) on delete cascade
);

create index refresh_token_family_index on refresh_token (family_id);

create table release (
  id text primary key,
  app_id text not null,
  platform text not null,
  version text not null,
  channel text not null,
  sequence bigint not null,
  requirement text not null,
  notes text not null,
  created_at bigint not null,
  created_by text not null,
  archived_at bigint,
  statement_id text references statement (id),
  kind text default 'archive' not null check (kind in ('archive', 'files', 'binary', 'kit')),
  version_code bigint,
  build_id text,
  launch_sha256 text,
  bytes_removed_at bigint,
  constraint release_version unique (app_id, platform, version, channel),
  constraint release_sequence unique (app_id, platform, sequence),
  constraint release_app foreign key (app_id) references app (id)
);

create index release_archived on release (archived_at) where archived_at is not null and bytes_removed_at is null;

create unique index release_build on release (app_id, platform, build_id);

create unique index release_identity on release (app_id, platform, version);

create index release_launch on release (app_id, launch_sha256) where launch_sha256 is not null;

create table release_file (
  release_id text not null,
  path text not null,
  role text not null,
  sha256 text,
  size_bytes bigint not null,
  content_type text not null,
  platform text,
  architecture text,
  format text,
  component text,
  url text,
  delta_from text,
  constraint release_file_key primary key (release_id, role, path),
  constraint release_file_release foreign key (release_id) references release (id),
  constraint release_file_artifact foreign key (sha256) references artifact (sha256),
  constraint release_file_role check (role in ('archive', 'manifest', 'asset', 'binary', 'component', 'icon')),
  constraint release_file_place check (sha256 is not null or url is not null)
);

create index release_file_binary on release_file (release_id, sha256) where role = 'binary';

create index release_file_sha256 on release_file (sha256);

create table release_variant (
  id text primary key,
  release_id text not null,
  algorithm text not null,
  key_id text not null,
  facts text not null,
  sha256 text not null,
  size_bytes bigint not null,
  created_at bigint not null,
  created_by text not null,
  constraint release_variant_of unique (release_id, algorithm, key_id),
  constraint release_variant_release foreign key (release_id) references release (id),
  constraint release_variant_bytes foreign key (sha256) references artifact (sha256)
);

create table release_variant_file (
  variant_id text not null,
  path text not null,
  sha256 text not null,
  size_bytes bigint not null,
  checksum text not null,
  constraint release_variant_file_key primary key (variant_id, path),
  constraint release_variant_file_variant foreign key (variant_id) references release_variant (id) on delete cascade,
  constraint release_variant_file_bytes foreign key (sha256) references artifact (sha256)
);

create table rollout (
  id text primary key,
  app_id text not null,
  platform text not null,
  channel text not null,
  position bigint not null,
  release_id text,
  state text not null,
  starts_at bigint,
  mandatory integer not null,
  percentage double precision not null,
  devices text not null,
  cohorts text not null,
  salt text not null,
  buckets integer not null,
  created_at bigint not null,
  created_by text not null,
  updated_at bigint not null,
  rules text default '[]' not null,
  slice text,
  experiment_id text,
  awaits_start integer default 0 not null,
  statement_id text references statement (id),
  mandatory_below text,
  ended_at bigint,
  label_number integer,
  drawing text constraint rollout_drawing check (drawing in ('code-push')),
  awaits_approval integer default 0 not null,
  revision integer default 1 not null,
  constraint rollout_position unique (app_id, channel, position),
  constraint rollout_app foreign key (app_id) references app (id),
  constraint rollout_release foreign key (release_id) references release (id),
  constraint rollout_channel foreign key (app_id, channel) references channel (app_id, name),
  constraint rollout_state check (state in ('active', 'paused', 'halted', 'withdrawn')),
  constraint rollout_percentage check (percentage >= 0 and percentage <= 100)
);

create index rollout_awaits_start on rollout (starts_at) where awaits_start = 1;

create index rollout_release_index on rollout (release_id);

create table rollout_device (
  device_id text not null,
  rollout_id text not null,
  progress integer not null,
  offered_at bigint,
  attempted_at bigint,
  changed_at bigint not null,
  is_known integer default 0 not null,
  standing integer,
  standing_at bigint,
  network text,
  constraint rollout_device_key primary key (device_id, rollout_id)
) without rowid;

create index rollout_device_waiting on rollout_device (rollout_id, changed_at) where progress < 16;

create table rollout_guard (
  rollout_id text primary key,
  state text not null check (state in ('watching', 'tripped', 'over')),
  settings text not null,
  since_at bigint not null,
  base text not null,
  looks integer not null,
  last_sample bigint not null,
  last_bad bigint not null,
  last_look_at bigint,
  tripped_at bigint,
  figures text,
  revision bigint not null,
  constraint rollout_guard_rollout foreign key (rollout_id) references rollout (id)
);

create index rollout_guard_state on rollout_guard (state);

create table rollout_hour (
  rollout_id text not null,
  hour_at bigint not null,
  offered bigint default 0 not null,
  download_started bigint default 0 not null,
  downloaded bigint default 0 not null,
  download_failed bigint default 0 not null,
  applied bigint default 0 not null,
  confirmed bigint default 0 not null,
  running bigint default 0 not null,
  failed bigint default 0 not null,
  rolled_back bigint default 0 not null,
  crashed bigint default 0 not null,
  attempted bigint default 0 not null,
  attempted_bad bigint default 0 not null,
  told_downloads bigint default 0 not null,
  received_bytes bigint default 0 not null,
  told_patched bigint default 0 not null,
  patched_bytes bigint default 0 not null,
  told_packed bigint default 0 not null,
  packed_bytes bigint default 0 not null,
  patch_failed bigint default 0 not null,
  constraint rollout_hour_key primary key (rollout_id, hour_at)
) without rowid;

create table rollout_network (
  rollout_id text not null,
  day_at bigint not null,
  network text not null,
  devices bigint not null,
  bad bigint not null,
  constraint rollout_network_key primary key (rollout_id, day_at, network)
) without rowid;

create index rollout_network_day on rollout_network (day_at);

create table rollout_plan (
  rollout_id text primary key,
  state text not null check (state in ('running', 'finished')),
  steps text not null,
  windows text,
  step integer not null,
  step_started_at bigint,
  step_base bigint not null,
  revision bigint not null,
  updated_at bigint not null,
  step_sample text,
  constraint rollout_plan_rollout foreign key (rollout_id) references rollout (id)
);

create index rollout_plan_state on rollout_plan (state);

create table rollout_sample (
  rollout_id text not null,
  hour_at bigint not null,
  standing integer not null,
  attempted bigint not null,
  attempted_bad bigint not null,
  constraint rollout_sample_key primary key (rollout_id, hour_at, standing)
) without rowid;

create table sent_patch (
  patch_id text not null,
  format text not null,
  sha256 text not null,
  created_at bigint not null,
  constraint sent_patch_key primary key (patch_id, format),
  constraint sent_patch_of foreign key (patch_id) references patch (id) on delete cascade,
  constraint sent_patch_bytes foreign key (sha256) references artifact (sha256)
);

create index sent_patch_sha256 on sent_patch (sha256);

create table server_setting (
  name text primary key,
  value text not null
);

create table sign_in_failure (
  counted_for text not null,
  failures integer not null,
  failed_at bigint not null,
  locked_until bigint not null,
  constraint sign_in_failure_key primary key (counted_for)
);

create index sign_in_failure_time on sign_in_failure (failed_at);

create table sign_in_method (
  id text not null,
  person_id text not null,
  provider_id text not null,
  account_id text not null,
  password text,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at bigint,
  refresh_token_expires_at bigint,
  scope text,
  created_at bigint not null,
  updated_at bigint not null,
  constraint sign_in_method_key primary key (id),
  constraint sign_in_method_account unique (provider_id, account_id),
  constraint sign_in_method_person foreign key (person_id) references person (id) on delete cascade
);

create index sign_in_method_of_person on sign_in_method (person_id);

create table sign_in_verification (
  id text not null,
  identifier text not null,
  value text not null,
  created_at bigint not null,
  updated_at bigint not null,
  expires_at bigint not null,
  constraint sign_in_verification_key primary key (id)
);

create index sign_in_verification_expiry on sign_in_verification (expires_at);

create index sign_in_verification_identifier on sign_in_verification (identifier);

create table signature (
  release_id text not null,
  subject text not null,
  scheme text not null,
  key_id text not null,
  value text not null,
  constraint signature_key primary key (release_id, subject, scheme),
  constraint signature_release foreign key (release_id) references release (id),
  constraint signature_signing_key foreign key (key_id) references signing_key (id)
);

create table signed_answer (
  id text primary key,
  app_id text not null,
  platform text not null,
  key_id text not null,
  says text not null,
  sha256 text,
  runtime_version text,
  answered_at bigint not null,
  body text not null,
  signature text not null,
  created_at bigint not null,
  created_by text not null,
  constraint signed_answer_certificate foreign key (app_id, key_id) references answer_certificate (app_id, key_id),
  constraint signed_answer_content foreign key (sha256) references artifact (sha256) on delete cascade,
  constraint signed_answer_says check (says in ('update', 'roll-back'))
);

create index signed_answer_content on signed_answer (sha256);

create unique index signed_answer_once on signed_answer (app_id, key_id, platform, says, coalesce(sha256, ''), coalesce(runtime_version, ''), answered_at);

create table signed_appcast (
  id text primary key,
  app_id text not null,
  channel text not null,
  platform text not null,
  sha256 text not null,
  key_id text not null,
  value text not null,
  created_at bigint not null,
  created_by text not null,
  constraint signed_appcast_app foreign key (app_id) references app (id),
  constraint signed_appcast_key foreign key (key_id) references signing_key (id)
);

create unique index signed_appcast_bytes on signed_appcast (app_id, channel, platform, sha256);

create table signing_key (
  id text primary key,
  app_id text not null,
  public_key text not null,
  name text not null,
  created_at bigint not null,
  created_by text not null,
  revoked_at bigint,
  algorithm text default 'ed25519' not null,
  constraint signing_key_public_key unique (app_id, public_key),
  constraint signing_key_app foreign key (app_id) references app (id)
);

create table single_sign_on (
  id text not null,
  name text not null,
  issuer text not null,
  client_id text not null,
  client_secret text,
  scopes text not null,
  group_claim text not null,
  group_grants text not null,
  makes_people integer not null,
  links_people integer not null,
  believes_emails integer not null,
  is_only_way integer not null,
  session_ms bigint not null,
  changed_at bigint not null,
  changed_by text not null,
  constraint single_sign_on_key primary key (id)
);

create table statement (
  id text primary key,
  app_id text not null,
  platform text not null,
  sequence bigint not null,
  floor bigint not null,
  text text not null,
  signature text not null,
  key_id text not null,
  stated_at bigint,
  constraint statement_sequence unique (app_id, platform, sequence),
  constraint statement_app foreign key (app_id) references app (id),
  constraint statement_key foreign key (key_id) references signing_key (id)
);

create table step_back (
  rollout_id text not null,
  step integer not null,
  release_id text,
  statement_id text not null,
  constraint step_back_key primary key (rollout_id, step),
  constraint step_back_rollout foreign key (rollout_id) references rollout (id),
  constraint step_back_release foreign key (release_id) references release (id),
  constraint step_back_statement foreign key (statement_id) references statement (id)
);

create table token_family (
  id text primary key,
  token_id text not null,
  created_at bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  constraint token_family_token foreign key (token_id) references api_token (id)
);

create index token_family_token_index on token_family (token_id);

create table trust_rule (
  id text not null,
  name text not null,
  issuer text not null,
  audience text not null,
  conditions text not null,
  lifetime_ms bigint not null,
  token_id text not null,
  created_at bigint not null,
  created_by text not null,
  last_used_at bigint,
  constraint trust_rule_key primary key (id),
  constraint trust_rule_name unique (name),
  constraint trust_rule_token foreign key (token_id) references api_token (id)
);

create index trust_rule_issuer on trust_rule (issuer);

create table two_factor (
  id text not null,
  person_id text not null,
  secret text not null,
  backup_codes text not null,
  verified integer default 1 not null,
  failed_verification_count integer default 0 not null,
  locked_until bigint,
  constraint two_factor_key primary key (id),
  constraint two_factor_of_person unique (person_id),
  constraint two_factor_person foreign key (person_id) references person (id) on delete cascade
);

create table unkept_hour (
  app_id text not null,
  hour_at bigint not null,
  events bigint not null,
  constraint unkept_hour_key primary key (app_id, hour_at)
);

create table used_identity_token (
  digest text not null,
  expires_at bigint not null,
  constraint used_identity_token_key primary key (digest)
);

create index used_identity_token_expiry on used_identity_token (expires_at);

create table used_totp_code (
  person_id text not null,
  code text not null,
  used_at bigint not null,
  constraint used_totp_code_key primary key (person_id, code),
  constraint used_totp_code_person foreign key (person_id) references person (id) on delete cascade
);

create table webhook (
  id text primary key,
  app_id text,
  url text not null,
  types text not null,
  secrets text not null,
  is_enabled integer not null,
  disabled_reason text,
  failing_since bigint,
  last_failed_at bigint,
  created_at bigint not null,
  created_by text not null,
  updated_at bigint not null,
  constraint webhook_app foreign key (app_id) references app (id)
);

create table webhook_delivery (
  id text primary key,
  webhook_id text not null,
  announcement_id text not null,
  type text not null,
  payload text not null,
  state text not null check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null,
  next_attempt_at bigint,
  claim text,
  last_status integer,
  last_error text,
  duration_ms integer,
  log text not null,
  created_at bigint not null,
  finished_at bigint,
  planned_at bigint default 0 not null,
  constraint webhook_delivery_once unique (webhook_id, announcement_id),
  constraint webhook_delivery_webhook foreign key (webhook_id) references webhook (id) on delete cascade
);

create index webhook_delivery_due on webhook_delivery (state, next_attempt_at);

create index webhook_delivery_log on webhook_delivery (webhook_id, id);
