import type {
  Application,
  BinaryFormatName,
  NewReleaseContent,
  ReleaseCheck,
  ReleaseContent,
  ReleaseFinding,
  UploadKind,
} from '@hotpatch/api'
import type {
  ContentArtifact,
  ContentKindName,
  EncryptionKey,
  KitContent,
  Platform,
  ReleaseContent as SignedContent,
} from '@hotpatch/protocol'
import type { CliContext } from '../process/context.ts'
import type { KitDescription } from './kit/kit-description.ts'

/** What is to become a release's content. */
export type ContentInput = FolderInput | FileInput | ProjectInput | InstallersInput | KitInput

/** What lies there ready. */
export interface FolderInput {
  kind: 'folder'
  path: string
  /** What it is to be, where somebody has said so. */
  as?: 'archive' | 'files'
}

/** What is published as it is. */
export interface FileInput {
  kind: 'file'
  path: string
}

/** What devices install a whole app from. */
export interface InstallersInput {
  kind: 'installers'
  files: readonly InstallerFile[]
  /** What would be refused of them, and is meant. */
  accept: readonly string[]
}

/** It lies here, or at an address of somebody else's. */
export type InstallerFile = {
  name: string
  platform: Platform
  architecture: string
  format: BinaryFormatName
  /** Of a delta: the build that it makes the new one of. */
  deltaFrom?: string
  /** What it says of the app in it, where that was read. */
  application?: Application
} & ({ path: string } | { url: string; sha256: string; sizeBytes: number })

/** Components that lie here, and what says of them how they are a kit. */
export interface KitInput {
  kind: 'kit'
  path: string
  description: KitDescription
}

/** What has to be built first. */
export interface ProjectInput {
  kind: 'project'
  /** Relative to the project, as the bundler puts it into the bundle. */
  entryFile: string
  buildDirectory: string
  /** Whether it becomes bytecode of the app's own Hermes. */
  isForHermes: boolean
  /** Of the release that it may be compiled against: undefined where there is none yet. */
  findHermesBase?: () => Promise<{ version: string; path: string } | undefined>
}

/** What a publish says of its content. */
export interface ContentWish {
  platform: Platform
  /** Of the app whose content it is. */
  projectDirectory: string
  /** The file that is started, when it has another name than usual. */
  entry?: string | undefined
  /** Whether source maps are published, too. */
  withSourceMaps: boolean
  /** Signs the files of what is packed, for CodePush's clients: of their list (Code Push §5) what goes along. */
  signPackage?: ((list: string) => string) | undefined
  /** Encrypted for these; absent: as it is. */
  encryptFor?: readonly EncryptionKey[] | undefined
}

/** Why an input is of a kind, or why not, as one says it to somebody. */
export type Recognition =
  | { isOfKind: true; as: string; because: string }
  | { isOfKind: false; expected: string; found: string; advice: string }

/** One file of what was collected. */
export interface ContentFile {
  /** Inside the release, with "/". */
  name: string
  /** Where it lies, links resolved. */
  path: string
  sizeBytes: number
  /** Undefined: nobody else writes there. */
  modifiedAtMs?: number
  /** Its owner may execute it. */
  isExecutable?: boolean
}

/** What lies here, before it is bytes to be sent. */
export interface CollectedContent {
  /** The folder or file that it was found in. */
  from: string
  files: readonly ContentFile[]
  /** Kept here, whether they are published or not. */
  sourceMaps: readonly ContentFile[]
  /** As the place of several platforms: its bytes run on all, as those of a web app do, or it has each one's own. */
  isShareable: boolean
}

/** Bytes that the server is to have. */
export interface ContentUpload {
  kind: UploadKind
  /** That the file has elsewhere, where its kind asks for it. */
  name?: string
  path: string
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
  contentType: string
}

/** What the server will be sent. */
export interface PackedContent {
  /** What the publish says of it. */
  content: NewReleaseContent
  uploads: readonly ContentUpload[]
  /** Content §3.1, of a zip whose files are known. */
  tree?: string
  /** Content §3.2: what is inside of what is sent, and for which keys; absent: it is sent as it is. */
  sealed?: SealedContent
  /** Of a kit: all that its manifest says of it. */
  kit?: KitContent
}

export interface SealedContent {
  sha256: string
  sizeBytes: number
  keyIds: readonly string[]
}

/** What the signed statement says of it (Signing §4). */
export interface StatedContent {
  content: SignedContent
  artifacts: readonly ContentArtifact[]
}

/** Where a kind may work. */
export interface Working {
  wish: ContentWish
  /** A temporary folder of its own, which the caller removes: it writes nowhere else, but for what builds a project. */
  directory: string
}

export interface ContentDescription {
  /** Of the plan, for somebody who has to say yes or no. */
  lines: Record<string, string>
  /** The same for scripts. */
  json: { content: Readonly<Record<string, unknown>>; entry: object | undefined }
}

/**
 * One kind of content: all that the tool does differently for it. What a check finds, its facts, goes into the plan. The
 * steps come in this order, the cheap before the costly, so that little is done for what is refused.
 */
export interface ContentKind<Collected extends CollectedContent, Facts> {
  name: ContentKindName
  /** Looks only: at names and first bytes. Of what is not there at all, nothing is asked. */
  recognise(input: ContentInput, wish: ContentWish): Promise<Recognition>
  /**
   * Builds what has to be built, and finds every file.
   * @throws CommandError when there is something that no release may have, such as a link out of the folder
   */
  collect(context: CliContext, input: ContentInput, working: Working): Promise<Collected>
  /** What the server would refuse, and what nobody publishes on purpose. Reads all of it, and changes nothing. */
  check(collected: Collected, wish: ContentWish): Promise<{ findings: ReleaseFinding[]; facts: Facts }>
  /**
   * The same files give the same bytes: nothing of the machine gets in.
   * @throws CommandError also when something changed since it was collected
   */
  pack(context: CliContext, collected: Collected, working: Working, facts: Facts): Promise<PackedContent>
  stated(packed: PackedContent): StatedContent
  /** Whether a release that is there was made of these bytes. */
  isSame(published: ReleaseContent, packed: Pick<PackedContent, 'content' | 'sealed'>): boolean
  /** What the server is told beforehand, to compare it with its limits and with the last release. */
  told(collected: Collected): Pick<ReleaseCheck, 'fileCount' | 'unpackedBytes' | 'applications'>
  describe(collected: Collected, facts: Facts, packed: PackedContent): ContentDescription
}
