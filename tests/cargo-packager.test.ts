import { test } from 'vitest'
import { playRealClient } from './real-client.ts'

/** The build is bounded by itself. */
const TIMEOUT_MS = 12 * 60_000

/** What it does there is in the stories of that run; `npm test` looks for cargo. */
test.skipIf(!process.env.CARGO_PATH)(
  'the updater of cargo-packager, as it is published, takes what was signed and nothing else',
  { timeout: TIMEOUT_MS },
  (context) =>
    playRealClient(context, { client: 'cargo-packager', passed: /cargo-packager-updater \S+: 6 passed, 0 failed/ }),
)
