import { orSkip } from '../../real-clients/attempt.ts'
import { swiftChroot } from './chroot.ts'

/**
 * `npm run test:swift [-- --filter …]`: the tests of the Swift half, on Linux. What only Apple's systems have is not in
 * them: docs/protocol and the package's own README say what that is.
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
const command = [
  'swift',
  action,
  '--scratch-path',
  '/build',
  ...(action === 'test' ? ['--disable-swift-testing'] : []),
  ...rest,
]
process.exitCode = await chroot.run(command)
