import { createRequire } from 'node:module'
import { join } from 'node:path'
import { passed, warned, type Check } from './check.ts'

export function checkTools(projectDirectory: string): Check[] {
  return [passed('node', `Node ${process.versions.node}.`), checkReactNative(projectDirectory)]
}

function checkReactNative(projectDirectory: string): Check {
  const requireThere = createRequire(join(projectDirectory, 'package.json'))
  try {
    const { version } = requireThere('react-native/package.json') as { version: string }
    return passed('react-native', `npx react-native finds version ${version} in ${projectDirectory}.`)
  } catch {
    // Whatever is wrong with it, it cannot be used from here.
    const message = `There is no React Native in ${projectDirectory}: release then needs --bundle-dir.`
    return warned('react-native', message, 'Run it in the folder of the app, after npm install.')
  }
}
