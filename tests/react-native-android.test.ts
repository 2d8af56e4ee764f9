import { test } from 'vitest'
import { playNativeTests } from './native-tests.ts'

/** The first run fetches and compiles. */
const TIMEOUT_MS = 20 * 60_000

/** `npm run test:android` is the same, and takes a part of the name of what is tested. */
test.skipIf(process.env.HOTPATCH_ANDROID_ENGINE_READY !== '1')(
  'the Kotlin of @hotpatch/react-native does what the vectors say',
  { timeout: TIMEOUT_MS },
  (context) => playNativeTests(context, { language: 'android', passed: /^\d+ passed, 0 failed, 0 skipped$/m }),
)
