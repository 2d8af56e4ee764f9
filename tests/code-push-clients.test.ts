import { test } from 'vitest'
import { playRealClient } from './real-client.ts'

/** The first time the packages are installed. */
const TIMEOUT_MS = 5 * 60_000

/** What they do there is in the stories of those runs. */
test(
  "CodePush's SDK, the JavaScript of its plugins and its command-line tool, as they are published, are served",
  { timeout: TIMEOUT_MS },
  async (context) => {
    const passed = /code-push 4\.2\.3, its plugins and its tool: 6 passed, 0 failed/
    await playRealClient(context, { client: 'code-push', passed })
  },
)

/** One story; `npm test` looks for what the whole run has fetched. */
test.skipIf(process.env.HOTPATCH_ANDROID_PLUGINS_READY !== '1')(
  "the Android code of a plugin of CodePush's kind, as it is published, updates, fails, goes back and is explained",
  { timeout: TIMEOUT_MS },
  async (context) => {
    const passed = /Android code of CodePush: 1 passed, 0 failed/
    await playRealClient(context, {
      client: 'code-push-android',
      only: ['@code-push-next/react-native-code-push updates'],
      passed,
    })
  },
)
