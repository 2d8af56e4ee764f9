import { SERVER_DATABASES } from '@hotpatch/testkit'
import { describe, test } from 'vitest'
import { playRealClient } from './real-client.ts'

/** The first time the packages are installed. */
const TIMEOUT_MS = 5 * 60_000

/** What they do there is in the stories of those runs, against a server process. */
describe.each(SERVER_DATABASES)('on %s', (name, open, isHere) => {
  test.skipIf(!isHere)(
    "CodePush's SDK, the JavaScript of its plugins and its command-line tool, as they are published, are served",
    { timeout: TIMEOUT_MS },
    async (context) => {
      const { env, drop } = await open()
      // The second database is asked about one plugin, whose JavaScript is that of all.
      const only = name === 'SQLite' ? [] : ['@revopush/react-native-code-push updates']
      const passed = new RegExp(`code-push 4\\.2\\.3, its plugins and its tool: ${only.length || 6} passed, 0 failed`)
      try {
        await playRealClient(context, { client: 'code-push', only, passed, env })
      } finally {
        await drop()
      }
    },
  )
})

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
