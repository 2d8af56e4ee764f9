import type { CryptoPort } from '@hotpatch/device-ground'
import {
  hexFromBytes,
  parseJson,
  readInstalledKit,
  readInteger,
  readKitManifest,
  readObject,
  readOptional,
  readString,
  textFromUtf8,
  UnexpectedJsonError,
  utf8FromText,
  writeInstalledKit,
} from '@hotpatch/protocol'
import type { InstalledComponent, InstalledKit, KitComponent } from '@hotpatch/protocol'
import { folderOf } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import type { Installation } from '../installation/installation.ts'
import type { KitPlan, KitStep } from '../planning/kit-plan.ts'

const SCHEMA_VERSION = 1
const MAX_PLAN_BYTES = 1024 * 1024

/** Kits §8.2: all that taking back or finishing needs to know, though no server and no offer is there any more. */
export interface StoredPlan {
  plan: KitPlan
  /** What was installed; undefined when nothing said that. */
  before: InstalledKit | undefined
  /** Where each component lay: a place that was changed meanwhile is not the one to take back. */
  places: Readonly<Record<string, string>>
}

/** Kits §8.6: what cannot be taken back, or is the coordinator itself, changes after everything else is committed. */
export function isAfterCommit({ supportsRollback, kind }: Pick<KitComponent, 'supportsRollback' | 'kind'>): boolean {
  return !supportsRollback || kind === 'coordinator'
}

export function placesOf(plan: KitPlan, installation: Installation): Record<string, string> {
  return Object.fromEntries(
    plan.steps.flatMap(({ component }) => {
      const place = installation.components[component.id]
      return place ? [[component.id, place.path]] : []
    }),
  )
}

/** @returns the SHA-256 of what was written; durable */
export async function storePlan(
  { disk, crypto }: { disk: KitDisk; crypto: Pick<CryptoPort, 'sha256'> },
  path: string,
  { plan, before, places }: StoredPlan,
): Promise<string> {
  const { manifestText, manifest: _, steps, ...others } = plan
  const document = {
    schema_version: SCHEMA_VERSION,
    manifest: manifestText,
    plan: others,
    steps: steps.map(({ component, installed, file }) => ({
      component: component.id,
      ...(installed && { installed }),
      ...(file && { platform: file.platform, architecture: file.architecture }),
    })),
    ...(before && { before: writeInstalledKit(before) }),
    places,
  }
  const bytes = utf8FromText(JSON.stringify(document))
  await disk.write(path, bytes)
  await disk.syncDirectory(folderOf(path))
  return digestOf(crypto, bytes)
}

/** @throws KitError journal-damaged unless it is what was written */
export async function loadPlan(
  { disk, crypto }: { disk: KitDisk; crypto: Pick<CryptoPort, 'sha256'> },
  path: string,
  planSha256: string,
): Promise<StoredPlan> {
  const stat = await disk.stat(path)
  const bytes = stat?.kind === 'file' && stat.sizeBytes <= MAX_PLAN_BYTES ? await disk.read(path) : undefined
  if (!bytes || (await digestOf(crypto, bytes)) !== planSha256) throw damaged(path, 'something else, or nothing')
  try {
    return readStoredPlan(textFromUtf8(bytes) ?? '')
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw damaged(path, cause.message, cause)
  }
}

function readStoredPlan(text: string): StoredPlan {
  const json = readObject(parseJson(text), '')
  if (json.schema_version !== SCHEMA_VERSION) {
    throw new UnexpectedJsonError('/schema_version', String(SCHEMA_VERSION), json.schema_version)
  }
  const manifestText = readString(json.manifest, '/manifest')
  const manifest = readKitManifest(manifestText)
  // Its digest is in the journal: it is what this program has written, field by field.
  const others = readObject(json.plan, '/plan') as unknown as Omit<KitPlan, 'manifest' | 'manifestText' | 'steps'>
  const steps = Array.isArray(json.steps) ? json.steps : []
  const before = readOptional(json.before, (found) => readInstalledKit(readString(found, '/before')))
  readInteger(others.neededBytes, '/plan/neededBytes', 0)
  return {
    plan: {
      ...others,
      from: others.from,
      expectedDowntimeSeconds: others.expectedDowntimeSeconds,
      manifest,
      manifestText,
      steps: steps.map((each, index) => readStep(each, manifest.components, `/steps/${index}`)),
    },
    before,
    places: readObject(json.places, '/places') as Record<string, string>,
  }
}

function readStep(value: unknown, components: readonly KitComponent[], pointer: string): KitStep {
  const json = readObject(value, pointer)
  const component = components.find(({ id }) => id === json.component)
  if (!component) throw new UnexpectedJsonError(`${pointer}/component`, 'a component of the manifest', json.component)
  const isTaken = (file: { platform: string; architecture: string }) =>
    file.platform === json.platform && file.architecture === json.architecture
  return {
    component,
    installed: readOptional(json.installed, (found) => readObject(found, pointer) as unknown as InstalledComponent),
    file: json.platform === undefined ? undefined : component.files.find(isTaken),
  }
}

async function digestOf(crypto: Pick<CryptoPort, 'sha256'>, bytes: Uint8Array): Promise<string> {
  const hasher = crypto.sha256()
  hasher.update(bytes)
  return hexFromBytes(await hasher.digest())
}

function damaged(path: string, found: string, cause?: unknown): KitError {
  return new KitError(
    'journal-damaged',
    `Expected the plan of the open apply in ${path}, found ${found}. Nothing is done, because it is not known what that ` +
      'apply has changed: put each component right by hand, then remove .kit/current.',
    { cause },
  )
}
