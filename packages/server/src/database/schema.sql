create table "api_token" (
  "id" text primary key,
  "name" text not null,
  "role" text not null,
  "app_id" text,
  "token_hash" text not null unique,
  "created_at" bigint not null,
  "created_by" text not null,
  "expires_at" bigint,
  "last_used_at" bigint,
  "revoked_at" bigint,
  constraint "api_token_app" foreign key ("app_id") references "app" ("id"),
  constraint "api_token_role" check (role in ('owner', 'admin', 'publisher', 'reader'))
);

create table "app" (
  "id" text primary key,
  "slug" text not null unique,
  "name" text not null,
  "app_key" text not null unique,
  "platforms" text not null,
  "check_access" text not null,
  "bucketing" text not null,
  "signing" text not null,
  "created_at" bigint not null,
  constraint "app_check_access" check (check_access in ('app-key', 'open')),
  constraint "app_bucketing" check (bucketing in ('per-rollout', 'per-app', 'original')),
  constraint "app_signing" check (signing in ('optional', 'required'))
);

create table "artifact" (
  "sha256" text primary key,
  "size_bytes" bigint not null,
  "content_type" text not null,
  "created_at" bigint not null
);

create table "audit_entry" (
  "id" text primary key,
  "at" bigint not null,
  "actor_id" text,
  "actor_name" text not null,
  "action" text not null,
  "subject_kind" text not null,
  "subject_id" text not null,
  "app_id" text,
  "address" text,
  "request_id" text,
  "before" text,
  "after" text
);

create trigger audit_entry_no_delete before delete on audit_entry begin select raise(abort, 'the audit log is append-only'); end;

create trigger audit_entry_no_update before update on audit_entry begin select raise(abort, 'the audit log is append-only'); end;

create table "catalog_generation" (
  "app_id" text not null,
  "platform" text not null,
  "channel" text not null,
  "generation" bigint not null,
  constraint "catalog_generation_key" primary key ("app_id", "platform", "channel"),
  constraint "catalog_generation_app" foreign key ("app_id") references "app" ("id")
);

create table "channel" (
  "id" text primary key,
  "app_id" text not null,
  "name" text not null,
  "last_position" bigint not null,
  "created_at" bigint not null,
  constraint "channel_name" unique ("app_id", "name"),
  constraint "channel_app" foreign key ("app_id") references "app" ("id")
);

create table "device" (
  "app_id" text not null,
  "device_id" text not null,
  "platform" text not null,
  "channel" text not null,
  "native_version" text,
  "runtime_version" text,
  "current_release_id" text,
  "current_version" text,
  "cohorts" text not null,
  "last_decision" text,
  "last_reason" text,
  "first_seen_at" bigint not null,
  "last_seen_at" bigint not null,
  constraint "device_key" primary key ("app_id", "device_id"),
  constraint "device_app" foreign key ("app_id") references "app" ("id")
);

create index "device_seen" on "device" ("app_id", "last_seen_at", "device_id");

create table "device_event" (
  "id" text not null,
  "app_id" text not null,
  "device_id" text not null,
  "kind" text not null,
  "release_id" text,
  "version" text,
  "code" text,
  "detail" text,
  "occurred_at" bigint not null,
  "received_at" bigint not null,
  constraint "device_event_key" primary key ("app_id", "id"),
  constraint "device_event_app" foreign key ("app_id") references "app" ("id")
);

create index "device_event_device" on "device_event" ("app_id", "device_id", "received_at");

create table "device_failure" (
  "app_id" text not null,
  "device_id" text not null,
  "release_id" text not null,
  "failed_at" bigint not null,
  constraint "device_failure_key" primary key ("app_id", "device_id", "release_id"),
  constraint "device_failure_app" foreign key ("app_id") references "app" ("id")
);

create index "device_failure_time" on "device_failure" ("failed_at");

create table "platform_sequence" (
  "app_id" text not null,
  "platform" text not null,
  "last_sequence" bigint not null,
  constraint "platform_sequence_key" primary key ("app_id", "platform"),
  constraint "platform_sequence_app" foreign key ("app_id") references "app" ("id")
);

create table "refresh_token" (
  "id" text primary key,
  "token_id" text not null,
  "token_hash" text not null unique,
  "created_at" bigint not null,
  "expires_at" bigint not null,
  "used_at" bigint,
  constraint "refresh_token_token" foreign key ("token_id") references "api_token" ("id")
);

create table "release" (
  "id" text primary key,
  "app_id" text not null,
  "platform" text not null,
  "version" text not null,
  "channel" text not null,
  "sequence" bigint not null,
  "floor" bigint not null,
  "sha256" text not null,
  "size_bytes" bigint not null,
  "file_count" integer not null,
  "requirement" text not null,
  "notes" text not null,
  "signature" text,
  "statement" text,
  "statement_signature" text,
  "key_id" text,
  "created_at" bigint not null,
  "created_by" text not null,
  "archived_at" bigint,
  constraint "release_version" unique ("app_id", "platform", "version", "channel"),
  constraint "release_sequence" unique ("app_id", "platform", "sequence"),
  constraint "release_app" foreign key ("app_id") references "app" ("id"),
  constraint "release_artifact" foreign key ("sha256") references "artifact" ("sha256"),
  constraint "release_key" foreign key ("key_id") references "signing_key" ("id")
);

create table "rollout" (
  "id" text primary key,
  "app_id" text not null,
  "platform" text not null,
  "channel" text not null,
  "position" bigint not null,
  "release_id" text,
  "state" text not null,
  "starts_at" bigint,
  "mandatory" integer not null,
  "percentage" double precision not null,
  "devices" text not null,
  "cohorts" text not null,
  "salt" text not null,
  "buckets" integer not null,
  "sequence" bigint,
  "floor" bigint,
  "statement" text,
  "statement_signature" text,
  "created_at" bigint not null,
  "created_by" text not null,
  "updated_at" bigint not null,
  constraint "rollout_position" unique ("app_id", "channel", "position"),
  constraint "rollout_app" foreign key ("app_id") references "app" ("id"),
  constraint "rollout_release" foreign key ("release_id") references "release" ("id"),
  constraint "rollout_channel" foreign key ("app_id", "channel") references "channel" ("app_id", "name"),
  constraint "rollout_state" check (state in ('active', 'paused', 'halted', 'withdrawn')),
  constraint "rollout_percentage" check (percentage >= 0 and percentage <= 100)
);

create index "rollout_release_index" on "rollout" ("release_id");

create table "signing_key" (
  "id" text primary key,
  "app_id" text not null,
  "public_key" text not null,
  "name" text not null,
  "created_at" bigint not null,
  "created_by" text not null,
  "revoked_at" bigint,
  constraint "signing_key_public_key" unique ("app_id", "public_key"),
  constraint "signing_key_app" foreign key ("app_id") references "app" ("id")
);
