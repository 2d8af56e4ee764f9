import type {
  DownloadArrival,
  ClientTakes,
  CompiledRollout,
  DeviceAttributes,
  DeviceEventKind,
  DeviceTrust,
  Platform,
  Problem,
  ProblemType,
  Requirement,
} from '@hotpatch/protocol'
import type { LaneMethod } from '../ground/http/device-lane.ts'
import type { PlainAnswer, PlainRequest, ServedAddress } from '../ground/http/plain-request.ts'
import type { DirectoryEntry, OfferedRelease, Restatement } from './catalog-queries.ts'
import type { ReleaseName } from './release-names.ts'
import type { UpdateAnswer, UpdateCheck } from './update-service.ts'

/**
 * One client protocol: pure functions over a plain request. The desk does what is the same for all of them: whose device
 * it is, limits, the stored id, the catalog, the decision, the note and the count.
 */
export interface Dialect {
  /** Such as `react-native`: in metrics, and on the rows of its devices. */
  name: string
  /** Its clients are pages with an origin of their own, as those of an app's web view: a browser lets them read answers. */
  isCrossOrigin?: boolean
  /**
   * What a client of its can take, by what that told of itself. It says no more: which releases follow from it, D11
   * decides. Asked with every check, and of what was stored for whoever asks why.
   */
  takes(told: DeviceAttributes): ClientTakes
  routes: readonly DialectRoute[]
  /** What its clients understand as "no, and why". */
  renderProblem(problem: Problem, requestId: string, route: DialectRoute): PlainAnswer
}

export type DialectRoute =
  | CheckRoute
  | FeedRoute
  | ReportRoute
  | RegistrationRoute
  | ReleaseRoute
  | ChannelsRoute
  | AboutRoute

/** Answers at its path at the root, and under /apps/{slug}. */
interface Route {
  method: LaneMethod
  /** In which `:name` stands for one word. */
  path: string
  /**
   * What its clients show. The desk takes whoever has the app's key, and everybody where the app is open; clients of a
   * `public` route have no key, so for them an app has to be.
   */
  access: 'app-key' | 'public'
  maxBodyBytes: number
  /**
   * Asked before `read`: nobody is told what is wrong with a request that may not ask.
   * @throws problem invalid-request
   */
  nameApp(request: PlainRequest): AppClaim
}

/** How a request says whose it is, besides by its address. */
export interface AppClaim {
  key: string | undefined
  /** Id or slug. */
  name: string | undefined
  /** What the binary is called that asks, of clients that tell: such as `com.example.app`. */
  bundleId?: string | undefined
  /** Of clients that have one word for all of it: any of these. */
  word?: string | undefined
  /** Of clients whose key is not the header x-app-key: what whoever has to mend it can find. */
  said?: KeyWords | undefined
}

export interface KeyWords {
  /** As in "No app has the key …". */
  key: string
  /** The whole sentence to whoever has told none. */
  missing: string
}

/** A device asks what it is to run. */
export interface CheckRoute extends Route {
  kind: 'check'
  /** @throws problem invalid-request */
  read(request: PlainRequest): AskedCheck
  /** What leaves the server here was held against the dialect's schema. */
  render(answer: UpdateAnswer, request: PlainRequest): PlainAnswer
}

export interface AskedCheck {
  /** Undefined when the client does not tell: that of its key, or else the app's only one. */
  platform: Platform | undefined
  channel: string
  check: UpdateCheck
  /** What happened, of clients that tell it when they ask. The answer does not wait until it is stored. */
  events?: readonly ToldEvent[]
}

/** What a client tells of a release when it asks: again with each check, or once. */
export interface ToldEvent extends Pick<SentEvent, 'kind' | 'code' | 'detail'> {
  subject: ReleaseName
}

/** A client asks for what is in force for everyone (Decision §14), and judges it itself. */
export interface FeedRoute extends Route {
  kind: 'feed'
  /** What its clients can judge of what a release requires: what requires more is not in their feed. */
  judges: readonly (keyof Requirement)[]
  /** Its clients take the highest version that they find, and not the first (Decision §14). */
  picksHighest?: boolean
  /** @throws problem invalid-request */
  read(request: PlainRequest): AskedFeed
  render(feed: Feed, request: PlainRequest, app: FeedApp, findRestatement: FindRestatement): PlainAnswer | ServedAddress
  /** Of clients that may tell which device asks: then it is answered as that one. */
  forDevice?: Pick<CheckRoute, 'read' | 'render'> & { isTold(request: PlainRequest): boolean }
}

/** What its publisher has signed of a rollout that states its release again, by the rollout's id. */
export type FindRestatement = (rolloutId: string) => Restatement | undefined

/** What of the app goes into its feeds. */
export interface FeedApp extends Pick<DirectoryEntry, 'slug' | 'appcastSignatures'> {
  /**
   * Whether whoever asks at this address is told the same, whatever else he sends or leaves out: then a cache may give
   * it to others. Never where a key, or the host that was asked, makes a difference.
   */
  isSameForAll: boolean
}

export interface AskedFeed {
  /** Undefined when the client does not say: the app's only one, or what is for any. `each`: of all that the app has. */
  platform: Platform | 'each' | undefined
  channel: string
  /** What its readers have in common: what they take follows from that. */
  attributes?: DeviceAttributes | undefined
}

/** Highest position first. */
export type Feed = readonly CompiledRollout<OfferedRelease>[]

/** A device tells what happened. Answered when what can be stored is stored. */
export interface ReportRoute extends Route {
  kind: 'report'
  /** @throws problem invalid-request when nothing of it can be read */
  read(request: PlainRequest): AskedReport
  render(outcome: ReportOutcome, request: PlainRequest): PlainAnswer
}

export interface AskedReport {
  /** Null when the client tells none: then nothing of it is kept. */
  deviceId: string | null
  events: readonly { index: number; event: SentEvent }[]
  /** Those that cannot be read, while the others can. */
  rejected: readonly RejectedEvent[]
}

/** What a device says of one thing that happened, and of itself. What it leaves out stays as it was. */
export interface SentEvent {
  eventId: string | undefined
  kind: DeviceEventKind
  platform: Platform | undefined
  channel: string
  releaseId: string | undefined
  version: string | undefined
  /** Of clients that have other names for releases; that of the channel comes first. */
  name?: ReleaseName | undefined
  rolloutId?: string | undefined
  code: string | undefined
  detail: string | undefined
  receivedBytes?: number | undefined
  arrival?: DownloadArrival | undefined
  /** Of a kit, the component that it is about. */
  component?: string | undefined
  /** By the device's clock, in milliseconds since 1970. */
  occurredAt: number | undefined
  sentAt: number | undefined
  nativeVersion: string | undefined
  runtimeVersion?: string | undefined
  attributes?: DeviceAttributes | undefined
  trust?: DeviceTrust | undefined
}

export interface RejectedEvent {
  /** Of the event in the request. */
  index: number
  /** Null when it has none that could be read. */
  id: string | null
  /** As in a problem document. */
  type: ProblemType
  detail: string
}

export interface ReportOutcome {
  /** In the order in which they came, with the release that each is about; null is none, or embedded. */
  accepted: readonly { index: number; releaseId: string | null }[]
  rejected: readonly RejectedEvent[]
}

/** A device shows itself. */
export interface RegistrationRoute extends Route {
  kind: 'registration'
  /** @throws problem invalid-request */
  read(request: PlainRequest): AskedRegistration
  render(registered: Registered, request: PlainRequest): PlainAnswer
}

export interface AskedRegistration {
  deviceId: string
  platform: Platform
  channel: string
  /** Of the release that it runs, or else of its shell. */
  version: string | undefined
  nativeVersion: string | undefined
  trust: DeviceTrust | undefined
  /** Whether it wants to be able to show later that it is itself. */
  wantsCredential: boolean
}

export interface Registered {
  /** As it told it. */
  deviceId: string
  /** Undefined when it asked for none, or the app gives none; null when another one has it. */
  deviceToken: string | null | undefined
}

/** A device asks about a release that it was told of, or takes a part of it. It is offered nothing by that. */
export interface ReleaseRoute extends Route {
  kind: 'release'
  /** A device asks many times for one release: that is not limited as requests are, but as downloads. */
  isDownload?: boolean
  /** @throws problem invalid-request */
  read(request: PlainRequest): AskedRelease
  /**
   * @param release undefined when the channel has none of that name
   * @param earlier what it is to be compared with, where that was asked for and is known
   */
  render(
    release: OfferedRelease | undefined,
    request: PlainRequest,
    earlier?: OfferedRelease,
  ): PlainAnswer | ServedAddress
}

export interface AskedRelease {
  /** Undefined when the client does not tell it here. */
  deviceId: string | undefined
  /** Undefined when the client does not tell it: then whichever catalog of the app has the release. */
  platform: Platform | undefined
  channel: string
  name: ReleaseName
  /** Another one, for what differs. */
  earlier?: ReleaseName
}

/** Somebody asks what answers here. */
export interface AboutRoute extends Route {
  kind: 'about'
  render(request: PlainRequest): PlainAnswer
}

/** A device asks about the channels of its app: which there are for it, and whether it may choose one. */
export interface ChannelsRoute extends Route {
  kind: 'channels'
  /** @throws problem invalid-request */
  read(request: PlainRequest): AskedChannels
  /** @throws problem when it may not */
  render(found: FoundChannels, request: PlainRequest): PlainAnswer
}

export interface AskedChannels {
  deviceId?: string | undefined
  platform?: Platform | undefined
  /** The one that it is on, or wishes to be on; undefined when it asks about none in particular. */
  channel?: string | undefined
}

export interface FoundChannel {
  name: string
  /** Whether devices may choose it by themselves. */
  isOpen: boolean
}

export interface FoundChannels {
  /** That of the key that the device came with: there is no other one for it. */
  fixed: string | null
  /** The one that it asked about by name, or else the fixed one. */
  asked: FoundChannel | undefined
  wished: string | undefined
  /** Oldest first. */
  all: readonly FoundChannel[]
}
