import { orSkip } from '../../real-clients/attempt.ts'
import { swiftChroot } from './chroot.ts'
import { startJourney } from './journey.ts'

/**
 * `npm run test:swift [-- --filter …]`: the tests of the Swift half, on Linux. What only Apple's systems have is not in
 * them: the README of packages/react-native/ios says what that is.
 */
const [action = 'test', ...rest] = process.argv.slice(2)
if (action !== 'test' && action !== 'build') {
  console.error(`Expected "test" or "build", then what the command of that name of swift takes; found "${action}".`)
  process.exit(2)
}
const chroot = await orSkip(
  swiftChroot('packages/react-native/ios'),
  'This takes root on Linux, debootstrap, and a mirror of Debian.',
)
const options = action === 'test' ? ['--disable-swift-testing'] : []
const command = ['swift', action, '--scratch-path', '/build', ...options, ...rest]
// Of a part of the tests, few are those that ask a server.
const asks = action === 'test' && (rest.length === 0 || rest.some((each) => /Journey|Http/.test(each)))
if (!asks) process.exit(await chroot.run(command))

const journey = await startJourney()
try {
  let code = await chroot.run(command, journey.env)
  if (code === 0 && !rest.some((each) => /Http/.test(each))) await journey.expectTold()
  if (code === 0 && rest.length === 0) code = await chroot.run(['/checkout/scripts/native-tests/swift/check-pod.sh'])
  process.exitCode = code
} finally {
  await journey.end()
}
