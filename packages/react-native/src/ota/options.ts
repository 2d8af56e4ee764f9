import type { NativeConfiguration } from '../native/messages.ts'
import { ConfigurationError } from './update-error.ts'

/** What the binary says of the same holds (README, *What the binary says*); keys and pins are said there only. */
export interface OtaOptions {
  /** Where the server is: "https://updates.example.com", or with "/apps/{slug}". */
  apiUrl?: string
  appId?: string
  /** Of the app; no secret, and needed unless anybody may check (`checkAccess` "open"). */
  appKey?: string
  /** Unless another one was chosen on this device by `setChannel`. Absent: the binary's, or "production". */
  channel?: string
  cohorts?: readonly string[]
  /** Instead of a random one that is kept in the app's folder. */
  deviceId?: string
  /** Whether the server is asked for a credential, which is then shown with every check and report. Absent: false. */
  deviceCredential?: boolean
  /** Whether an update is looked for, and downloaded, now and in the background. Absent: true. */
  checkOnLaunch?: boolean
  /** What becomes of a mandatory update that is ready: a restart at once (the default), or the next start. */
  mandatoryUpdates?: 'restart' | 'next-start'
  /** When the running release has proved itself: when a root was rendered (the default), or when the app says `confirm()`. */
  confirm?: 'first-render' | 'manual'
  /** Whether an error of JavaScript that ends the app counts against the running release. Absent: true. */
  countFatalErrors?: boolean
  /** Whether updates are looked for in development, where what runs comes from Metro. Absent: false. */
  inDevelopment?: boolean
}

const TEXTS = ['apiUrl', 'appId', 'appKey', 'channel', 'deviceId'] as const
const SWITCHES = ['deviceCredential', 'checkOnLaunch', 'countFatalErrors', 'inDevelopment'] as const
const CHOICES = { mandatoryUpdates: ['restart', 'next-start'], confirm: ['first-render', 'manual'] } as const
const KNOWN = new Set<string>([...TEXTS, ...SWITCHES, ...Object.keys(CHOICES), 'cohorts'])
/** Said in the binary, so that nothing that came over the air can change them. */
const OF_THE_BINARY = new Set([
  'publicKeys',
  'decryptionKeys',
  'pins',
  'allowInsecure',
  'runtimeVersion',
  'builtAt',
  'edgeUrl',
  'edgeOrder',
])

/** @throws ConfigurationError for what is not as TypeScript would have it */
export function readOptions(options: OtaOptions): NativeConfiguration {
  const given: Record<string, unknown> = { ...options }
  for (const name of Object.keys(given)) expectKnown(name)
  for (const name of TEXTS) expect(name, given[name], 'a text that is not empty', isText)
  for (const name of SWITCHES) expect(name, given[name], 'true or false', (value) => typeof value === 'boolean')
  for (const [name, choices] of Object.entries(CHOICES)) {
    const isChoice = (value: unknown) => (choices as readonly unknown[]).includes(value)
    expect(name, given[name], choices.map((choice) => `"${choice}"`).join(' or '), isChoice)
  }
  expect('cohorts', given.cohorts, 'a list of texts', (value) => Array.isArray(value) && value.every(isText))
  const { apiUrl, appId, appKey, channel, cohorts, deviceId, deviceCredential, mandatoryUpdates } = options
  return {
    ...(apiUrl !== undefined && { apiUrl }),
    ...(appId !== undefined && { appId }),
    ...(appKey !== undefined && { appKey }),
    ...(channel !== undefined && { channel }),
    ...(cohorts && { cohorts: [...cohorts] }),
    ...(deviceId !== undefined && { deviceId }),
    ...(deviceCredential !== undefined && { deviceCredential }),
    ...(mandatoryUpdates && { restartsWhenMandatory: mandatoryUpdates === 'restart' }),
  }
}

function expectKnown(name: string): void {
  if (KNOWN.has(name)) return
  const advice = OF_THE_BINARY.has(name)
    ? 'It is said in the binary, not in JavaScript: see "What the binary says" in the README.'
    : `Known are ${[...KNOWN].join(', ')}.`
  throw new ConfigurationError('config-invalid', `OTA.configure: there is no option "${name}". ${advice}`)
}

function expect(name: string, value: unknown, expected: string, isRight: (value: unknown) => boolean): void {
  if (value === undefined || isRight(value)) return
  // Never the value: it may be a key that was put into the wrong place.
  const found =
    value === '' ? 'an empty text' : Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value
  throw new ConfigurationError('config-invalid', `OTA.configure: ${name}: expected ${expected}, found ${found}.`)
}

const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0
