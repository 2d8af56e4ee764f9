import { test } from 'vitest'
import { playRealClient } from './real-client.ts'

/** The first run fetches and compiles. */
const TIMEOUT_MS = 20 * 60_000

/** What it does there is in the stories of that run; `npm test` looks for a JDK and Maven. */
test.skipIf(process.env.HOTPATCH_EXPO_CLIENT_READY !== '1')(
  "Expo's own client for Android, as it is published, takes what it is to take and nothing else",
  { timeout: TIMEOUT_MS },
  (context) => playRealClient(context, { client: 'expo', passed: /expo-updates \S+: 15 passed, 0 failed/ }),
)
