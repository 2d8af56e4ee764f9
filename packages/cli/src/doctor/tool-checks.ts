import { createRequire } from 'node:module'
import { join } from 'node:path'
import { hasCode, systemReason } from '../errors/errors.ts'
import { passed, warned, type Check } from './check.ts'

/** A Capacitor app has no bundler of React Native's. */
export function checkTools(projectDirectory: string, isCapacitor: boolean): Check[] {
  const node = passed('node', `Node ${process.versions.node}.`)
  return isCapacitor ? [node] : [node, checkReactNative(projectDirectory)]
}

function checkReactNative(projectDirectory: string): Check {
  const requireThere = createRequire(join(projectDirectory, 'package.json'))
  try {
    const { version } = requireThere('react-native/package.json') as { version: string }
    return passed('react-native', `npx react-native finds version ${version} in ${projectDirectory}.`)
  } catch (cause) {
    if (!hasCode(cause, 'MODULE_NOT_FOUND')) {
      const message = `React Native in ${projectDirectory} cannot be used: ${systemReason(cause).split('\n')[0]}`
      return warned('react-native', message, 'Install it anew: npm ci.')
    }
    const message = `There is no React Native in ${projectDirectory}: release then needs --bundle-dir.`
    return warned('react-native', message, 'Run it in the folder of the app, after npm install.')
  }
}
