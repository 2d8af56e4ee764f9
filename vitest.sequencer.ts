import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What takes longest, and is begun first: begun last, one of these would keep the others' processors idle. Who needs what
 * another makes (`madeOnce`) is begun later than that. In a checkout where nothing was run yet Vitest has only the size of a
 * file to go by, and those that start the clients of others are short.
 */
const LONGEST = [
  'react-native-android',
  'react-native-swift',
  'docker-image',
  'packages',
  'react-native',
  'cargo-packager',
  'expo-client',
  'symbolicate',
  'asset-updates-journey',
  'capacitor-example',
  'kit-example',
  'replicas',
  'rollouts',
  'capacitor-release',
  'kit-guide',
  'kit',
  'expo-example',
  'react-native-android-journey',
  'encryption',
  'asset-updates-manager',
  'patches',
  'devices-and-insights',
  'workers',
  'electron-builder',
  'packed-projects',
  'code-push-clients',
  'capacitor-clients',
  'binaries',
  'invented-devices',
  'plan-concurrency',
  'deliveries',
  'native',
  'crash-matrix-patches',
  'crash-matrix-archive',
  'crash-matrix-files',
  'lying-server',
  'ui',
]

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONGEST.indexOf(basename(moduleId, '.test.ts'))
  return rank === -1 ? LONGEST.length : rank
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b))
  }
}
