import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EXPO_CONFIG } from '@hotpatch/protocol'
import type { CliContext } from '../process/context.ts'
import type { ExpoConfig, ExpoPlatform } from './expo-config.ts'
import type { ExpoProject } from './expo-project.ts'
import { runExpo } from './run-expo.ts'

/** Expo §7: what `expo export` writes, and the configuration beside it. Returns the folder. */
export async function exportExpo(
  context: CliContext,
  project: ExpoProject,
  { platforms, config, within }: { platforms: readonly ExpoPlatform[]; config: ExpoConfig; within: string },
): Promise<string> {
  const directory = join(within, 'export')
  const named = platforms.flatMap((platform) => ['--platform', platform])
  await runExpo(context, project, ['expo', 'export', ...named, '--output-dir', directory])
  await writeFile(join(directory, EXPO_CONFIG), JSON.stringify(config))
  return directory
}
