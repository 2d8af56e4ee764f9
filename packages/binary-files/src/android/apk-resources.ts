import type { ReadingLimits } from '../application.ts'
import type { PackageZip } from '../package-zip.ts'
import { asIcon } from '../picture.ts'
import { readingOf } from '../refusal.ts'
import { textOf, type AndroidManifest } from './android-manifest.ts'
import { readResourceTable, type ConfiguredValue, type ResourceTable } from './resource-table.ts'
import type { ResourceValue } from './resource-value.ts'

/** A reference to a reference and so on: real ones are two or three. Also ends those that go round in a circle. */
const MAX_REFERENCES = 8
/** A resource may refer to one in each of its configurations. */
const MAX_LOOKUPS = 200
const MAX_TEXT_CHARACTERS = 200

const TABLE_PATH = 'resources.arsc'

/** What a manifest says by reference. */
export interface ApkResources {
  text(value: ResourceValue | undefined): string | undefined
  icon(manifest: AndroidManifest): Promise<Buffer | undefined>
}

export async function openApkResources(zip: PackageZip, limits: ReadingLimits): Promise<ApkResources> {
  const isReadable = zip.sizeOf(TABLE_PATH) <= limits.maxResourceBytes
  const bytes = isReadable ? await zip.read(TABLE_PATH, limits.maxResourceBytes) : undefined
  const table = bytes ? readingOf(TABLE_PATH, () => readResourceTable(bytes)) : NO_RESOURCES

  function text(value: ResourceValue | undefined): string | undefined {
    const values = readingOf(TABLE_PATH, () => resolve(table, value))
    const best = values.find(({ isForAllLanguages }) => isForAllLanguages) ?? values[0]
    return textOf(best?.value)?.trim().slice(0, MAX_TEXT_CHARACTERS)
  }

  /** The sharpest picture; the form of it that is drawn by lines is for Android alone. */
  async function icon(manifest: AndroidManifest): Promise<Buffer | undefined> {
    const values = readingOf(TABLE_PATH, () => resolve(table, manifest.icon))
    const pictures = values.flatMap(({ value, density }) =>
      value.kind === 'text' && /\.(png|webp)$/i.test(value.text) ? [{ path: value.text, density }] : [],
    )
    for (const { path } of pictures.sort((left, right) => right.density - left.density).slice(0, 4)) {
      if (zip.sizeOf(path) > limits.maxIconBytes) continue
      const found = asIcon(await zip.read(path, limits.maxIconBytes), limits)
      if (found) return found
    }
    return undefined
  }

  return { text, icon }
}

const NO_RESOURCES: ResourceTable = { valuesOf: () => [] }

/** All values, in every configuration, that no reference stands between any more. */
function resolve(table: ResourceTable, value: ResourceValue | undefined): ConfiguredValue[] {
  const found: ConfiguredValue[] = []
  let open = value ? [{ value, isForAllLanguages: true, density: 0 }] : []
  let lookups = 0
  for (let step = 0; step < MAX_REFERENCES && open.length > 0; step += 1) {
    const next: ConfiguredValue[] = []
    for (const each of open) {
      if (each.value.kind !== 'reference') found.push(each)
      else if ((lookups += 1) <= MAX_LOOKUPS) next.push(...follow(table, each, each.value.id))
    }
    open = next
  }
  return found
}

function follow(table: ResourceTable, from: ConfiguredValue, id: number): ConfiguredValue[] {
  return table.valuesOf(id).map(({ value, isForAllLanguages, density }) => ({
    value,
    isForAllLanguages: from.isForAllLanguages && isForAllLanguages,
    density: density || from.density,
  }))
}
