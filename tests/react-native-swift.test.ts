import { test } from 'vitest'
import { playNativeTests } from './native-tests.ts'

/** The first run makes a Debian with Swift. */
const TIMEOUT_MS = 30 * 60_000

/** `npm run test:swift` is the same, and takes what `swift test` takes, such as `--filter VersionTests`. */
test.skipIf(process.env.HOTPATCH_SWIFT_ENGINE_READY !== '1')(
  'the Swift of @hotpatch/react-native does what the vectors say, and lives with a real server',
  { timeout: TIMEOUT_MS },
  (context) =>
    playNativeTests(context, {
      language: 'swift',
      passed: /Executed [1-9]\d* tests, with 0 failures/,
      // A container may be forbidden to mount, and a mirror of Debian out of reach.
      maySkipInCi: true,
    }),
)
