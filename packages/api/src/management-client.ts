import { AuditHead, type AuditEntry, type AuditExportQuery, type AuditFilter, type AuditLine } from './audit.ts'
import { readJsonLines } from './json-lines.ts'
import { EdgeOfApp, type NewEdgeKeyDocument } from './edge.ts'
import { EmbeddedUpdate, EmbeddedUpdates, type NewEmbeddedUpdate } from './embedded-updates.ts'
import { SignedAnswer, StoredSignedAnswers, type NewSignedAnswers, type SignedAnswerFilter } from './signed-answers.ts'
import { ReleaseVariants, type ReleaseVariant } from './variants.ts'
import { Patch, Patches, type NewPatch, type PatchFilter, type SentPatchQuery } from './patches.ts'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Announcement, AnnouncementFilter } from './announcements.ts'
import type {
  ApiToken,
  CreatedApiToken,
  NewApiToken,
  PermissionEntry,
  RevocationQuery,
  RevokedApiToken,
  TokenFilter,
  Whoami,
} from './access.ts'
import type {
  AppChanges,
  Channel,
  ChannelChanges,
  ChannelKey,
  NewApp,
  NewChannel,
  NewChannelKey,
  NewNextSequence,
  NewSigningKey,
} from './apps.ts'
import { App, NextSequence, SigningKey, type KeyAlgorithm } from './apps.ts'
import type { Attention, AttentionQuery } from './attention.ts'
import type { Appcast, AppcastQuery, NewSignedAppcast } from './appcasts.ts'
import type {
  ReleaseComparison,
  ReleaseComparisonQuery,
  ReleaseEntries,
  ReleaseEntryQuery,
  ReleaseForms,
} from './release-entries.ts'
import type { Cohort, CohortChanges, CohortDevice, CohortRollout, NewCohort } from './cohorts.ts'
import type { Device, DeviceFilter, DeviceWithEvents, ExplainQuery, Explanation, TimelinePage } from './devices.ts'
import type { InstallLink, InstallPage, NewInstallLink, NewInstallPage } from './install-pages.ts'
import { Experiment, type ExperimentEnd, type NewExperiment } from './experiments.ts'
import type {
  ActiveDevices,
  Adoption,
  Checks,
  Downloads,
  ExperimentResults,
  InsightQuery,
  Overview,
  Reasons,
  ReleaseFigures,
  ReleaseFiguresQuery,
  ReleaseHealth,
  RolloutHealth,
  VersionDistribution,
  WholeInsightQuery,
} from './insights.ts'
import { ReleaseFile, type AskedFiles, type MissingFiles, type ReceivedFiles } from './content/files.ts'
import { Artifact, type UploadKind } from './content/release-content.ts'
import { chunksOf } from './chunks-of.ts'
import { readEventStream, type StreamEvent } from './event-stream.ts'
import type {
  AccountChanges,
  CreatedInvitation,
  CreatedResetLink,
  EverybodySignedOut,
  Invitation,
  NewInvitation,
  NewPasskey,
  NewPasskeyOptions,
  NewResetLink,
  OneTimeLink,
  OneTimeLinkSecret,
  OneTimeLinkUse,
  Passkey,
  PasskeyOptions,
  Passkeys,
  PasskeySignIn,
  PasswordAgain,
  PasswordChange,
  Person,
  PersonChanges,
  PersonFilter,
  PersonRemoval,
  PersonSessions,
  RecoveryCodes,
  RecoverySignIn,
  SignIn,
  SignInAnswer,
  TotpConfirmation,
  TotpEnrolment,
  TotpSignIn,
} from './people.ts'
import type { RolloutPlanStatus } from './plans.ts'
import { Impact, type ImpactQuestion } from './impact.ts'
import { RolloutComponents } from './rollout-components.ts'
import { RolloutReach, type RolloutPreview } from './preview.ts'
import type { Guard, GuardChanges } from './guards.ts'
import {
  type AddedSignature,
  type AddedSignatures,
  type NewAddedSignatures,
  NextGuardTarget,
  Release,
  ReleasePreflight,
  type PublishedRelease,
  type ReleaseCheck,
  type ReleaseFilter,
} from './releases.ts'
import {
  Rollout,
  type InForce,
  type NewRollback,
  type NewRollout,
  type RolloutChanges,
  type RolloutDeed,
  type RolloutFilter,
  type SeenRevision,
  type SteppedBack,
} from './rollouts.ts'
import type {
  ChannelProtection,
  NewChannelProtection,
  Proposal,
  ProposalFilter,
  ProposalRejection,
} from './proposals.ts'
import { PROBLEM_TYPE_BASE, pageOf, ProblemDocument, type Page, type PageQuery } from './shared-schemas.ts'
import type { NewSingleSignOn, SingleSignOn, SingleSignOnOffer } from './single-sign-on.ts'
import type {
  ExchangedToken,
  NewTrustRule,
  TokenExchange,
  TrustExplanation,
  TrustQuestion,
  TrustRule,
  TrustRuleChanges,
} from './trust-rules.ts'
import type {
  DeliveryFilter,
  NewWebhook,
  Webhook,
  WebhookChanges,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookFilter,
  WebhookWithSecret,
} from './webhooks.ts'

/** The server said no, and why. Branch on `type`, never on text. */
export class ApiProblem extends Error {
  override name = 'ApiProblem'
  /** Short name from the catalogue, such as "release-exists"; "about:blank" when the answer was not a problem document. */
  readonly type: string
  readonly status: number
  readonly document: ProblemDocument | undefined
  readonly retryAfterSeconds: number | undefined

  /** @param found what came instead of a document, such as "text/html instead of JSON" */
  constructor(status: number, document: ProblemDocument | undefined, retryAfterSeconds?: number, found?: string) {
    const other = found === undefined ? '' : `, with ${found}`
    super(document ? `${document.title}: ${document.detail}` : `The server answered ${status}${other}.`)
    this.type = document?.type.replace(PROBLEM_TYPE_BASE, '') ?? 'about:blank'
    this.status = status
    this.document = document
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** An answer that is not what this version of the API has there. */
export class UnexpectedAnswer extends Error {
  override name = 'UnexpectedAnswer'
}

/** No answer came at all, or none in time. */
export class ServerUnreachable extends Error {
  override name = 'ServerUnreachable'
}

export interface ManagementClientOptions {
  /** Where the server is, such as "https://updates.example.com". */
  url: string
  /** API token or access token. */
  token: string | undefined
  fetch?: typeof globalThis.fetch
  /** How long one request may take, in milliseconds; uploads are not bounded by it. */
  timeoutMs?: number
}

/** What an upload says of itself that may break off. */
export interface UploadClaim {
  sha256: string
  sizeBytes: number
  kind: UploadKind
  /** Of a binary. */
  filename?: string
}

const TUS = { 'tus-resumable': '1.0.0' }

/** Of UTF-8. */
function base64Of(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)))
}

/** A body that is sent while it is made or read. */
export interface StreamedBody {
  contentType: string
  sizeBytes: number
  body: ReadableStream<Uint8Array>
}

export type ManagementClient = ReturnType<typeof createManagementClient>

/** Typed calls of `/manage/v1`. Every one throws `ApiProblem` or `ServerUnreachable`. */
export function createManagementClient(options: ManagementClientOptions) {
  const { url, token, fetch = globalThis.fetch, timeoutMs = 30_000 } = options
  const base = `${url.replace(/\/+$/, '')}/manage/v1`

  async function send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    if (!headers.has('accept')) headers.set('accept', 'application/json')
    let response: Response
    try {
      response = await fetch(base + path, { ...init, headers })
    } catch (cause) {
      throw new ServerUnreachable(`No answer from ${url}`, { cause })
    }
    if (!response.ok) throw await readProblem(response, init.method)
    return response
  }

  /** Of what statements are made of: nothing that is not as the schema has it gets further than here. */
  async function read<Schema extends TSchema>(schema: Schema, path: string, body?: unknown): Promise<Static<Schema>> {
    const answer = await call<unknown>(body === undefined ? 'GET' : 'POST', path, body)
    const [error] = Value.Errors(schema, answer)
    if (!error) return answer as Static<Schema>
    throw new UnexpectedAnswer(`${url} answered ${path} otherwise than expected: ${placeOf(error)}.`)
  }

  async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const init: RequestInit = { method, signal: AbortSignal.timeout(timeoutMs) }
    if (body !== undefined) {
      init.body = JSON.stringify(body)
      init.headers = { 'content-type': 'application/json' }
    }
    const response = await send(path, init)
    return (response.status === 204 ? undefined : await readJson(response)) as Answer
  }

  return {
    whoami: () => call<Whoami>('GET', '/whoami'),

    signIn: (body: SignIn) => call<SignInAnswer>('POST', '/sign-in', body),
    signInWithTotp: (body: TotpSignIn) => call<SignInAnswer>('POST', '/sign-in/totp', body),
    signInWithRecoveryCode: (body: RecoverySignIn) => call<SignInAnswer>('POST', '/sign-in/recovery-code', body),
    beginPasskeySignIn: () => call<PasskeyOptions>('POST', '/sign-in/passkey/options'),
    signInWithPasskey: (body: PasskeySignIn) => call<SignInAnswer>('POST', '/sign-in/passkey', body),
    signOut: () => call<void>('POST', '/sign-out'),
    signOutEverywhere: () => call<void>('POST', '/sign-out-everywhere'),
    lookAtOneTimeLink: (body: OneTimeLinkSecret) => call<OneTimeLink>('POST', '/one-time-links/look', body),
    useOneTimeLink: (body: OneTimeLinkUse) => call<SignInAnswer>('POST', '/one-time-links/use', body),

    getAccount: () => call<Person>('GET', '/account'),
    changeAccount: (body: AccountChanges) => call<Person>('PATCH', '/account', body),
    changePassword: (body: PasswordChange) => call<void>('POST', '/account/password', body),
    listAccountSessions: () => call<PersonSessions>('GET', '/account/sessions'),
    endAccountSession: (id: string) => call<void>('DELETE', path`/account/sessions/${id}`),
    enrolTotp: (body: PasswordAgain) => call<TotpEnrolment>('POST', '/account/totp', body),
    confirmTotp: (body: TotpConfirmation) => call<void>('POST', '/account/totp/confirm', body),
    removeTotp: (body: PasswordAgain) => call<void>('POST', '/account/totp/remove', body),
    makeRecoveryCodes: (body: PasswordAgain) => call<RecoveryCodes>('POST', '/account/recovery-codes', body),
    listPasskeys: () => call<Passkeys>('GET', '/account/passkeys'),
    beginPasskey: (body: NewPasskeyOptions = {}) => call<PasskeyOptions>('POST', '/account/passkeys/options', body),
    addPasskey: (body: NewPasskey) => call<Passkey>('POST', '/account/passkeys', body),
    removePasskey: (id: string) => call<void>('DELETE', path`/account/passkeys/${id}`),

    listPeople: (query: PersonFilter = {}) => call<Page<Person>>('GET', `/people${queryOf(query)}`),
    getPerson: (id: string) => call<Person>('GET', path`/people/${id}`),
    changePerson: (id: string, body: PersonChanges) => call<Person>('PATCH', path`/people/${id}`, body),
    removePerson: (id: string, query: PersonRemoval = {}) => call<void>('DELETE', path`/people/${id}` + queryOf(query)),
    makeResetLink: (id: string, body: NewResetLink = {}) =>
      call<CreatedResetLink>('POST', path`/people/${id}/reset-link`, body),
    listPersonSessions: (id: string) => call<PersonSessions>('GET', path`/people/${id}/sessions`),
    signOutEveryone: () => call<EverybodySignedOut>('POST', '/sign-out-everyone'),
    endPersonSessions: (id: string) => call<void>('DELETE', path`/people/${id}/sessions`),
    listInvitations: (query: PageQuery = {}) => call<Page<Invitation>>('GET', `/people/invitations${queryOf(query)}`),
    invite: (body: NewInvitation) => call<CreatedInvitation>('POST', '/people/invitations', body),
    withdrawInvitation: (id: string) => call<void>('DELETE', path`/people/invitations/${id}`),

    listApps: (query: PageQuery = {}) => read(pageOf(App), `/apps${queryOf(query)}`),
    getApp: (app: string) => read(App, path`/apps/${app}`),
    createApp: (body: NewApp) => call<App>('POST', '/apps', body),
    changeApp: (app: string, body: AppChanges) => call<App>('PATCH', path`/apps/${app}`, body),
    deleteApp: (app: string) => call<App>('DELETE', path`/apps/${app}`),
    getNextSequence: (app: string, platform: string) =>
      read(NextSequence, path`/apps/${app}/sequence` + queryOf({ platform })),
    setNextSequence: (app: string, body: NewNextSequence) =>
      call<NextSequence>('PUT', path`/apps/${app}/sequence`, body),

    listChannels: (app: string) => call<Page<Channel>>('GET', path`/apps/${app}/channels`),
    createChannel: (app: string, body: NewChannel) => call<Channel>('POST', path`/apps/${app}/channels`, body),

    changeChannel: (app: string, name: string, body: ChannelChanges) =>
      call<Channel>('PATCH', path`/apps/${app}/channels/${name}`, body),
    listProtections: (app: string) => call<{ items: ChannelProtection[] }>('GET', path`/apps/${app}/protections`),
    protectChannel: (app: string, name: string, body: NewChannelProtection) =>
      call<ChannelProtection>('PUT', path`/apps/${app}/channels/${name}/protection`, body),
    unprotectChannel: (app: string, name: string) =>
      call<ChannelProtection>('DELETE', path`/apps/${app}/channels/${name}/protection`),
    deleteChannel: (app: string, name: string) => call<Channel>('DELETE', path`/apps/${app}/channels/${name}`),
    listChannelKeys: (app: string) => call<Page<ChannelKey>>('GET', path`/apps/${app}/channel-keys`),
    createChannelKey: (app: string, body: NewChannelKey) =>
      call<ChannelKey>('POST', path`/apps/${app}/channel-keys`, body),
    revokeChannelKey: (app: string, keyId: string) =>
      call<ChannelKey>('POST', path`/apps/${app}/channel-keys/${keyId}/revoke`),

    listInstallPages: (app: string) => call<Page<InstallPage>>('GET', path`/apps/${app}/install-pages`),
    openInstallPage: (app: string, channel: string, body: NewInstallPage) =>
      call<InstallPage>('PUT', path`/apps/${app}/install-pages/${channel}`, body),
    closeInstallPage: (app: string, channel: string) =>
      call<InstallPage>('DELETE', path`/apps/${app}/install-pages/${channel}`),
    makeInstallLink: (app: string, channel: string, body: NewInstallLink) =>
      call<InstallLink>('POST', path`/apps/${app}/install-pages/${channel}/links`, body),

    getAppcast: (app: string, channel: string, query: AppcastQuery = {}) =>
      call<Appcast>('GET', path`/apps/${app}/appcasts/${channel}` + queryOf(query)),
    signAppcast: (app: string, channel: string, body: NewSignedAppcast) =>
      call<Appcast>('PUT', path`/apps/${app}/appcasts/${channel}`, body),

    listKeys: (app: string, algorithm: KeyAlgorithm = 'ed25519') =>
      read(pageOf(SigningKey), path`/apps/${app}/keys` + queryOf({ algorithm })),
    addKey: (app: string, body: NewSigningKey) => call<SigningKey>('POST', path`/apps/${app}/keys`, body),
    revokeKey: (app: string, keyId: string) => call<SigningKey>('POST', path`/apps/${app}/keys/${keyId}/revoke`),

    getEdge: (app: string) => read(EdgeOfApp, path`/apps/${app}/edge`),
    addEdgeKey: (app: string) => call<EdgeOfApp>('POST', path`/apps/${app}/edge/keys`),
    putEdgeKeyDocument: (app: string, body: NewEdgeKeyDocument) =>
      call<EdgeOfApp>('PUT', path`/apps/${app}/edge/key-document`, body),

    listReleases: (app: string, query: ReleaseFilter & PageQuery = {}) =>
      read(pageOf(Release), path`/apps/${app}/releases` + queryOf(query)),
    getRelease: (releaseId: string) => read(Release, path`/releases/${releaseId}`),
    listReleaseFiles: (releaseId: string, query: PageQuery = {}) =>
      read(pageOf(ReleaseFile), path`/releases/${releaseId}/files` + queryOf(query)),
    /** All that it consists of, also what is in its zip. */
    listReleaseEntries: (releaseId: string, query: ReleaseEntryQuery = {}) =>
      call<ReleaseEntries>('GET', path`/releases/${releaseId}/entries` + queryOf(query)),
    compareRelease: (releaseId: string, query: ReleaseComparisonQuery = {}) =>
      call<ReleaseComparison>('GET', path`/releases/${releaseId}/comparison` + queryOf(query)),
    listReleaseForms: (releaseId: string) => call<ReleaseForms>('GET', path`/releases/${releaseId}/forms`),
    /** Offers it to nobody any more on the channel; who has it keeps it. */
    deactivateRelease: (releaseId: string, channel: string) =>
      call<Rollout>('POST', path`/releases/${releaseId}/deactivate` + queryOf({ channel })),
    activateRelease: (releaseId: string, channel: string) =>
      call<Rollout>('POST', path`/releases/${releaseId}/activate` + queryOf({ channel })),
    archiveRelease: (releaseId: string) => call<Release>('DELETE', path`/releases/${releaseId}`),
    addSignatures: (app: string, releaseId: string, body: NewAddedSignatures) =>
      call<AddedSignatures>('POST', path`/apps/${app}/releases/${releaseId}/signatures`, body),
    /** All of one scheme. */
    removeSignatures: (app: string, releaseId: string, scheme: AddedSignature['scheme']) =>
      call<void>('DELETE', path`/apps/${app}/releases/${releaseId}/signatures/${scheme}`),
    checkRelease: (app: string, body: ReleaseCheck) =>
      read(ReleasePreflight, path`/apps/${app}/releases/preflight`, body),
    /** Undefined when the server does not have these bytes. */
    findArtifact: async (
      app: string,
      sha256: string,
      kind: Exclude<UploadKind, 'asset'> = 'archive',
    ): Promise<Artifact | undefined> =>
      undefinedIf([404], read(Artifact, path`/apps/${app}/artifacts/${sha256}` + queryOf({ kind }))),
    /** @param as what the bytes are; of a binary's file, the name that it has */
    uploadArtifact: async (
      app: string,
      sha256: string,
      { contentType, sizeBytes, body }: StreamedBody,
      as: { kind: UploadKind; name?: string } = { kind: 'archive' },
    ) => {
      const init: RequestInit & { duplex: 'half' } = {
        method: 'PUT',
        headers: { 'content-type': contentType, 'content-length': String(sizeBytes) },
        body,
        duplex: 'half',
      }
      return (await readJson(await send(path`/apps/${app}/artifacts/${sha256}` + queryOf(as), init))) as Artifact
    },
    /** Of what a release of the kind files is to have: what has to be sent. */
    listMissingFiles: (app: string, files: AskedFiles['files']) =>
      call<MissingFiles>('POST', path`/apps/${app}/artifacts/missing`, { files }),
    /** Parts: each file under its SHA-256 as name. */
    uploadFiles: async (app: string, form: FormData) => {
      const response = await send(path`/apps/${app}/artifacts/batch`, { method: 'POST', body: form })
      return (await readJson(response)) as ReceivedFiles
    },
    /** By tus (Content §5.5). Returns the upload's id. */
    beginUpload: async (app: string, { sizeBytes, ...metadata }: UploadClaim): Promise<string> => {
      const pairs = Object.entries(metadata).map(([name, value]) => `${name} ${base64Of(value)}`)
      const headers = { ...TUS, 'upload-length': String(sizeBytes), 'upload-metadata': pairs.join(',') }
      const { headers: answered } = await send(path`/apps/${app}/uploads`, { method: 'POST', headers })
      const id = answered.get('location')?.split('/').at(-1)
      if (id !== undefined && id !== '') return decodeURIComponent(id)
      throw new UnexpectedAnswer(`${url} began an upload, and did not say which.`)
    },
    /** How many of its bytes have arrived; undefined of one that is done, took too long, or never was. */
    getUploadOffset: async (app: string, id: string): Promise<number | undefined> => {
      const asked = send(path`/apps/${app}/uploads/${id}`, { method: 'HEAD', headers: TUS })
      const answer = await undefinedIf([404, 410], asked)
      return answer && Number(answer.headers.get('upload-offset') ?? 0)
    },
    continueUpload: async (
      app: string,
      id: string,
      offset: number,
      { sizeBytes, body, signal }: { sizeBytes: number; body: StreamedBody['body'] | Blob; signal?: AbortSignal },
    ): Promise<void> => {
      const contentType = 'application/offset+octet-stream'
      const lengths = { 'content-length': String(sizeBytes), 'upload-offset': String(offset) }
      const headers = { ...TUS, ...lengths, 'content-type': contentType }
      const init: RequestInit & { duplex?: 'half' } = { method: 'PATCH', headers, ...(signal && { signal }) }
      // Browsers send no stream by HTTP/1, and have no need to know what half is of anything else.
      if (body instanceof ReadableStream) init.duplex = 'half'
      // Nothing is sent as nothing: a stream without bytes would be chunks without bytes.
      if (sizeBytes > 0) init.body = body
      await send(path`/apps/${app}/uploads/${id}`, init)
    },
    /**
     * Parts: metadata (JSON of NewRelease), for a signed release signature, statement, statementSignature, publicKey
     * (base64), and bundle (zip) unless it was uploaded before. The same form again has the same answer.
     */
    publishRelease: async (app: string, form: FormData) => {
      const response = await send(path`/apps/${app}/releases`, { method: 'POST', body: form })
      return (await readJson(response)) as PublishedRelease
    },

    /** Parts: metadata (JSON of NewReleaseVariant), bundle (encrypted), and files (a zip of encrypted files) if any. */
    addReleaseVariant: async (app: string, releaseId: string, form: FormData) => {
      const response = await send(path`/apps/${app}/releases/${releaseId}/variants`, { method: 'POST', body: form })
      return (await readJson(response)) as ReleaseVariant
    },
    listReleaseVariants: (app: string, releaseId: string) =>
      read(ReleaseVariants, path`/apps/${app}/releases/${releaseId}/variants`),
    removeReleaseVariant: (app: string, releaseId: string, variantId: string) =>
      call<ReleaseVariant>('DELETE', path`/apps/${app}/releases/${releaseId}/variants/${variantId}`),

    /** For clients that take only what its publisher has signed. */
    addSignedAnswers: (app: string, input: NewSignedAnswers) =>
      read(StoredSignedAnswers, path`/apps/${app}/signed-answers`, input),
    /** The 200 newest. */
    listSignedAnswers: (app: string, filter: SignedAnswerFilter = {}) =>
      read(StoredSignedAnswers, path`/apps/${app}/signed-answers` + queryOf(filter)),
    getSignedAnswer: (app: string, id: string) => read(SignedAnswer, path`/apps/${app}/signed-answers/${id}`),

    /** What a binary shipped with; its bytes were uploaded before. */
    addEmbeddedUpdate: (app: string, input: NewEmbeddedUpdate) =>
      read(EmbeddedUpdate, path`/apps/${app}/embedded-updates`, input),
    listEmbeddedUpdates: (app: string) => read(EmbeddedUpdates, path`/apps/${app}/embedded-updates`),
    getEmbeddedUpdate: (app: string, platform: string, id: string) =>
      read(EmbeddedUpdate, path`/apps/${app}/embedded-updates/${platform}/${id}`),
    removeEmbeddedUpdate: (app: string, platform: string, id: string) =>
      call<EmbeddedUpdate>('DELETE', path`/apps/${app}/embedded-updates/${platform}/${id}`),

    /** The 200 newest. */
    listPatches: (app: string, filter: PatchFilter = {}) => read(Patches, path`/apps/${app}/patches` + queryOf(filter)),
    getPatch: (app: string, id: string) => read(Patch, path`/apps/${app}/patches/${id}`),
    /** Made in the background: ask for it until it waits no more. */
    makePatch: (app: string, input: NewPatch) => read(Patch, path`/apps/${app}/patches`, input),
    /** To an encrypted release: made where its key is. */
    sendPatch: async (app: string, query: SentPatchQuery, body: Blob) => {
      const init = { method: 'PUT', headers: { 'content-type': 'application/octet-stream' }, body }
      return (await readJson(await send(path`/apps/${app}/patches` + queryOf({ ...query }), init))) as Patch
    },
    prunePatch: (app: string, id: string) => call<Patch>('DELETE', path`/apps/${app}/patches/${id}`),

    listRollouts: (app: string, query: RolloutFilter & PageQuery = {}) =>
      read(pageOf(Rollout), path`/apps/${app}/rollouts` + queryOf(query)),
    getRollout: (rolloutId: string) => call<Rollout>('GET', path`/rollouts/${rolloutId}`),
    /** Of a kit: which of its components fails. */
    getRolloutComponents: (rolloutId: string) => read(RolloutComponents, path`/rollouts/${rolloutId}/components`),
    createRollout: (app: string, body: NewRollout) => call<Rollout>('POST', path`/apps/${app}/rollouts`, body),
    previewRollout: (app: string, body: RolloutPreview) =>
      read(RolloutReach, path`/apps/${app}/rollouts/preview`, body),
    /** What a change would do to known devices; nothing is made. */
    getImpact: (app: string, body: ImpactQuestion) => read(Impact, path`/apps/${app}/impact`, body),
    rollBack: (app: string, body: NewRollback) => call<Rollout>('POST', path`/apps/${app}/rollbacks`, body),
    listProposals: (app: string, query: ProposalFilter & PageQuery = {}) =>
      call<Page<Proposal>>('GET', `${path`/apps/${app}/proposals`}${queryOf(query)}`),
    getProposal: (proposalId: string) => call<Proposal>('GET', path`/proposals/${proposalId}`),
    approveProposal: (proposalId: string) => call<Proposal>('POST', path`/proposals/${proposalId}/approve`),
    rejectProposal: (proposalId: string, body: ProposalRejection = {}) =>
      call<Proposal>('POST', path`/proposals/${proposalId}/reject`, body),
    withdrawProposal: (proposalId: string) => call<Proposal>('POST', path`/proposals/${proposalId}/withdraw`),
    changeRollout: (rolloutId: string, body: RolloutChanges) =>
      call<Rollout>('PATCH', path`/rollouts/${rolloutId}`, body),
    pauseRollout: (rolloutId: string, seen: SeenRevision = {}) =>
      call<Rollout>('POST', path`/rollouts/${rolloutId}/pause` + queryOf(seen)),
    resumeRollout: (rolloutId: string, seen: SeenRevision = {}) =>
      call<Rollout>('POST', path`/rollouts/${rolloutId}/resume` + queryOf(seen)),
    haltRollout: (rolloutId: string, seen: SeenRevision = {}) =>
      call<Rollout>('POST', path`/rollouts/${rolloutId}/halt` + queryOf(seen)),
    /** Halts it, and goes back for the same devices to what was before. */
    stepBack: (rolloutId: string, seen: SeenRevision = {}) =>
      call<SteppedBack>('POST', path`/rollouts/${rolloutId}/step-back` + queryOf(seen)),
    listRolloutDeeds: (rolloutId: string, query: PageQuery = {}) =>
      call<Page<RolloutDeed>>('GET', path`/rollouts/${rolloutId}/deeds` + queryOf(query)),
    getInForce: (app: string, channel: string) => call<InForce>('GET', path`/apps/${app}/channels/${channel}/in-force`),
    /** @param fromStep the step, from 1, that the caller has seen and wants to leave */
    advanceRollout: (rolloutId: string, fromStep: number) =>
      call<Rollout>('POST', path`/rollouts/${rolloutId}/advance`, { fromStep }),
    finishRollout: (rolloutId: string) => call<Rollout>('POST', path`/rollouts/${rolloutId}/finish`),
    getRolloutPlan: (rolloutId: string) => call<RolloutPlanStatus>('GET', path`/rollouts/${rolloutId}/plan`),
    getGuard: (rolloutId: string) => call<Guard>('GET', path`/rollouts/${rolloutId}/guard`),
    changeGuard: (rolloutId: string, body: GuardChanges) =>
      call<Guard>('PATCH', path`/rollouts/${rolloutId}/guard`, body),
    rearmGuard: (rolloutId: string) => call<Guard>('POST', path`/rollouts/${rolloutId}/guard/rearm`),
    getGuardTarget: (app: string, query: { platform: string; channel: string; releaseId?: string }) =>
      read(NextGuardTarget, path`/apps/${app}/guard-target` + queryOf(query)),
    withdrawRollout: (rolloutId: string, seen: SeenRevision = {}) =>
      call<Rollout>('POST', path`/rollouts/${rolloutId}/withdraw` + queryOf(seen)),

    listDevices: (app: string, query: DeviceFilter & PageQuery = {}) =>
      call<Page<Device>>('GET', path`/apps/${app}/devices` + queryOf(query)),
    getDevice: (app: string, deviceId: string) => call<DeviceWithEvents>('GET', path`/apps/${app}/devices/${deviceId}`),
    listTimeline: (app: string, deviceId: string, query: PageQuery = {}) =>
      call<TimelinePage>('GET', path`/apps/${app}/devices/${deviceId}/timeline` + queryOf(query)),
    forgetDevice: (app: string, deviceId: string) => call<void>('DELETE', path`/apps/${app}/devices/${deviceId}`),
    explain: (app: string, deviceId: string, query: ExplainQuery = {}) =>
      call<Explanation>('GET', path`/apps/${app}/devices/${deviceId}/explain` + queryOf(query)),

    getAttention: (query: AttentionQuery = {}) => call<Attention>('GET', `/attention${queryOf(query)}`),
    getOverview: (app: string, query: WholeInsightQuery = {}) =>
      call<Overview>('GET', path`/apps/${app}/insights/overview` + queryOf(query)),
    getActiveDevices: (app: string, query: InsightQuery = {}) =>
      call<ActiveDevices>('GET', path`/apps/${app}/insights/active` + queryOf(query)),
    getVersions: (app: string, query: InsightQuery = {}) =>
      call<VersionDistribution>('GET', path`/apps/${app}/insights/versions` + queryOf(query)),
    getAdoption: (app: string, rolloutId: string, query: WholeInsightQuery = {}) =>
      call<Adoption>('GET', path`/apps/${app}/insights/rollouts/${rolloutId}/adoption` + queryOf(query)),
    getRolloutHealth: (app: string, rolloutId: string, query: WholeInsightQuery = {}) =>
      call<RolloutHealth>('GET', path`/apps/${app}/insights/rollouts/${rolloutId}/health` + queryOf(query)),
    getReleaseHealth: (app: string, query: InsightQuery = {}) =>
      call<ReleaseHealth>('GET', path`/apps/${app}/insights/releases/health` + queryOf(query)),
    getDownloads: (app: string, query: InsightQuery = {}) =>
      call<Downloads>('GET', path`/apps/${app}/insights/downloads` + queryOf(query)),
    getReleaseFigures: (app: string, query: ReleaseFiguresQuery) =>
      call<ReleaseFigures>('GET', path`/apps/${app}/insights/releases/figures` + queryOf(query)),
    getChecks: (app: string, query: InsightQuery = {}) =>
      call<Checks>('GET', path`/apps/${app}/insights/checks` + queryOf(query)),
    getReasons: (app: string, query: InsightQuery = {}) =>
      call<Reasons>('GET', path`/apps/${app}/insights/reasons` + queryOf(query)),
    getExperimentResults: (app: string, experimentId: string) =>
      call<ExperimentResults>('GET', path`/apps/${app}/insights/experiments/${experimentId}`),
    /** @param insight its address below `insights`, such as `['rollouts', id, 'adoption']` */
    getInsightCsv: async (app: string, insight: readonly string[], query: InsightQuery = {}) => {
      const address = [path`/apps/${app}/insights`, ...insight.map(encodeURIComponent)].join('/')
      const signal = AbortSignal.timeout(timeoutMs)
      return readText(await send(address + queryOf({ ...query, format: 'csv' }), { signal }))
    },

    listCohorts: (app: string) => call<Page<Cohort>>('GET', path`/apps/${app}/cohorts`),
    getCohort: (app: string, name: string) => call<Cohort>('GET', path`/apps/${app}/cohorts/${name}`),
    createCohort: (app: string, body: NewCohort) => call<Cohort>('POST', path`/apps/${app}/cohorts`, body),
    deleteCohort: (app: string, name: string) => call<undefined>('DELETE', path`/apps/${app}/cohorts/${name}`),
    /** Of rollouts that are in force, or may be again. */
    listCohortRollouts: (app: string, name: string) =>
      call<Page<CohortRollout>>('GET', path`/apps/${app}/cohorts/${name}/rollouts`),
    listCohortDevices: (app: string, name: string, query: PageQuery = {}) =>
      call<Page<CohortDevice>>('GET', path`/apps/${app}/cohorts/${name}/devices` + queryOf(query)),
    changeCohort: (app: string, name: string, body: CohortChanges) =>
      call<Cohort>('POST', path`/apps/${app}/cohorts/${name}/devices`, body),
    /** `csv`: a device id in the first column of each line. `replace`: whoever is not in it leaves. */
    uploadCohort: async (app: string, name: string, csv: string, { replace = false } = {}) => {
      const response = await send(path`/apps/${app}/cohorts/${name}/devices`, {
        method: replace ? 'PUT' : 'POST',
        headers: { 'content-type': 'text/csv' },
        body: csv,
        signal: AbortSignal.timeout(timeoutMs),
      })
      return (await readJson(response)) as Cohort
    },

    listExperiments: (app: string, query: PageQuery = {}) =>
      call<Page<Experiment>>('GET', path`/apps/${app}/experiments` + queryOf(query)),
    getExperiment: (experimentId: string) => read(Experiment, path`/experiments/${experimentId}`),
    createExperiment: (app: string, body: NewExperiment) =>
      call<Experiment>('POST', path`/apps/${app}/experiments`, body),
    finishExperiment: (experimentId: string, body: ExperimentEnd) =>
      call<Experiment>('POST', path`/experiments/${experimentId}/finish`, body),

    listPermissions: () => call<{ items: PermissionEntry[] }>('GET', '/permissions'),
    listTokens: (query: TokenFilter & PageQuery = {}) => call<Page<ApiToken>>('GET', `/tokens${queryOf(query)}`),
    listTokensMadeWith: (tokenId: string) => call<{ items: ApiToken[] }>('GET', path`/tokens/${tokenId}/made`),
    getSingleSignOn: () => call<SingleSignOn>('GET', '/single-sign-on'),
    setSingleSignOn: (body: NewSingleSignOn) => call<SingleSignOn>('PUT', '/single-sign-on', body),
    removeSingleSignOn: () => call<SingleSignOn>('DELETE', '/single-sign-on'),
    getSingleSignOnOffer: () => call<SingleSignOnOffer>('GET', '/single-sign-on/offer'),
    listTrustRules: (query: PageQuery = {}) => call<Page<TrustRule>>('GET', `/trust-rules${queryOf(query)}`),
    createTrustRule: (body: NewTrustRule) => call<TrustRule>('POST', '/trust-rules', body),
    changeTrustRule: (id: string, body: TrustRuleChanges) => call<TrustRule>('PATCH', path`/trust-rules/${id}`, body),
    removeTrustRule: (id: string) => call<TrustRule>('DELETE', path`/trust-rules/${id}`),
    explainTrust: (body: TrustQuestion) => call<TrustExplanation>('POST', '/trust-rules/explain', body),
    exchangeToken: (body: TokenExchange) => call<ExchangedToken>('POST', '/token-exchange', body),
    createToken: (body: NewApiToken) => call<CreatedApiToken>('POST', '/tokens', body),
    /** The one that this client has. */
    revokeOwnToken: () => call<RevokedApiToken>('POST', '/tokens/own/revoke'),
    revokeToken: (tokenId: string, query: RevocationQuery = {}) =>
      call<RevokedApiToken>('POST', `${path`/tokens/${tokenId}/revoke`}${queryOf(query)}`),

    listAnnouncements: (query: AnnouncementFilter & PageQuery = {}) =>
      call<Page<Announcement>>('GET', `/announcements${queryOf(query)}`),
    /**
     * The live stream, until the server ends it or the connection breaks, which throws `ServerUnreachable`.
     * @param lastId of the last announcement that the caller has: what came since is told first
     */
    streamAnnouncements: async function* ({
      app,
      lastId,
      signal,
    }: AnnouncementFilter & { lastId?: string; signal?: AbortSignal } = {}): AsyncGenerator<StreamEvent> {
      const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) }
      const query = queryOf(app === undefined ? {} : { app })
      const { body } = await send(`/stream${query}`, { headers, ...(signal && { signal }) })
      if (!body) return
      try {
        yield* readEventStream(body)
      } catch (cause) {
        throw new ServerUnreachable(`The live stream of ${url} broke off`, { cause })
      }
    },

    listWebhooks: (query: WebhookFilter & PageQuery = {}) => call<Page<Webhook>>('GET', `/webhooks${queryOf(query)}`),
    getWebhook: (webhookId: string) => call<Webhook>('GET', path`/webhooks/${webhookId}`),
    createWebhook: (body: NewWebhook) => call<WebhookWithSecret>('POST', '/webhooks', body),
    changeWebhook: (webhookId: string, body: WebhookChanges) =>
      call<Webhook>('PATCH', path`/webhooks/${webhookId}`, body),
    removeWebhook: (webhookId: string) => call<Webhook>('DELETE', path`/webhooks/${webhookId}`),
    testWebhook: (webhookId: string) => call<WebhookDeliveryDetail>('POST', path`/webhooks/${webhookId}/test`),
    rotateWebhookSecret: (webhookId: string) =>
      call<WebhookWithSecret>('POST', path`/webhooks/${webhookId}/rotate-secret`),
    listDeliveries: (webhookId: string, query: DeliveryFilter & PageQuery = {}) =>
      call<Page<WebhookDelivery>>('GET', path`/webhooks/${webhookId}/deliveries` + queryOf(query)),
    getDelivery: (webhookId: string, deliveryId: string) =>
      call<WebhookDeliveryDetail>('GET', path`/webhooks/${webhookId}/deliveries/${deliveryId}`),
    redeliver: (webhookId: string, deliveryId: string) =>
      call<WebhookDelivery>('POST', path`/webhooks/${webhookId}/deliveries/${deliveryId}/redeliver`),

    listAudit: (query: AuditFilter & PageQuery = {}) => call<Page<AuditEntry>>('GET', `/audit${queryOf(query)}`),
    getAuditEntry: (entryId: string) => call<AuditEntry>('GET', path`/audit/entries/${entryId}`),
    getAuditHead: () => read(AuditHead, '/audit/head'),
    /** Line by line, as they come. One that breaks off has no line of the kind `end`. */
    exportAudit: async function* (query: AuditExportQuery & { signal?: AbortSignal } = {}): AsyncGenerator<AuditLine> {
      const { signal, ...filter } = query
      const headers = { accept: 'application/x-ndjson' }
      const { body } = await send(`/audit/export${queryOf(filter)}`, { headers, ...(signal && { signal }) })
      if (!body) return
      try {
        for await (const line of readJsonLines(chunksOf(body))) yield line as AuditLine
      } catch (cause) {
        throw new ServerUnreachable(`The audit log of ${url} broke off`, { cause })
      }
    },
  }
}

/** Pages of 200 releases with the longest statements are half of this. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of response.body ? chunksOf(response.body) : []) {
      chunks.push(chunk)
      sizeBytes += chunk.length
      if (sizeBytes > MAX_ANSWER_BYTES) break
    }
  } catch (cause) {
    throw new ServerUnreachable(`The answer from ${response.url} broke off`, { cause })
  }
  // Whatever it is, it is not an answer that a server of ours gives.
  if (sizeBytes > MAX_ANSWER_BYTES) {
    throw new ApiProblem(response.status, undefined, undefined, `more than ${MAX_ANSWER_BYTES} bytes`)
  }
  return new TextDecoder().decode(concatenate(chunks, sizeBytes))
}

function concatenate(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

async function readJson(response: Response): Promise<unknown> {
  // Something else answers at this address, such as a proxy's page: what it says is of no use to anybody.
  const type = response.headers.get('content-type') ?? ''
  if (!/^application\/(?:problem\+)?json\b/.test(type)) {
    await response.body?.cancel()
    const found = /^[\w.+-]{1,64}\/[\w.+-]{1,64}/.exec(type)?.[0] ?? 'something else'
    throw new ApiProblem(response.status, undefined, undefined, `${found} instead of JSON`)
  }
  const text = await readText(response)
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the answer, which may hold a token.
    throw new ApiProblem(response.status, undefined, undefined, `${text.length} characters that are not JSON`)
  }
}

/** What was asked for, or undefined where it is refused with one of these statuses. */
async function undefinedIf<Answer>(statuses: readonly number[], asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ApiProblem && statuses.includes(error.status)) return undefined
    throw error
  }
}

async function readProblem(response: Response, method: string | undefined): Promise<ApiProblem> {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  const type = response.headers.get('content-type') ?? ''
  // An answer to HEAD has the head of a document, and no document.
  const isProblem = method !== 'HEAD' && type.startsWith('application/problem+json')
  const answer = isProblem ? await readJson(response) : undefined
  // Whatever calls itself a problem: one that is none says nothing.
  const document = Value.Check(ProblemDocument, answer) ? answer : undefined
  return new ApiProblem(response.status, document, Number.isFinite(retryAfter) ? retryAfter : undefined)
}

function placeOf({ instancePath, message }: { instancePath: string; message: string }): string {
  return `${instancePath || '/'} ${message}`
}

/** Puts each value into the path as one segment, whatever it contains. */
function path(strings: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)))
}

function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.size > 0 ? `?${query}` : ''
}
