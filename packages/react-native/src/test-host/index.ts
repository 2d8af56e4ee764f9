import { createOta, type Ota } from '../ota/ota.ts'
import { createScriptedDevice, type ScriptedDevice } from './scripted-device.ts'

export { createScriptedDevice, type ScriptedDevice, type ScriptedRelease } from './scripted-device.ts'

export interface TestApp {
  ota: Ota
  device: ScriptedDevice
  /** The first root was rendered: what React Native says in an app. */
  render(): void
  /** An error that ends the app. */
  failFatally(): void
  /** The process ended, and the app is started again: `ota` is another one, which nothing was said to yet. */
  startAgain(): void
  warnings: readonly string[]
}

/**
 * An app on a device whose fate the test decides.
 *
 * @example
 * const app = createTestApp()
 * app.device.offer({ releaseId: 'r1', version: '1.1.0' })
 * app.ota.configure({ apiUrl: 'https://updates.example.com', appId: 'a' })
 * render(<OtaProvider ota={app.ota}><App /></OtaProvider>)
 */
export function createTestApp(options: { device?: ScriptedDevice; isDevelopment?: boolean } = {}): TestApp {
  const { device = createScriptedDevice(), isDevelopment = false } = options
  let rendered: (() => void)[] = []
  let failing: (() => void)[] = []
  const warnings: string[] = []
  const launch = (): Ota => {
    rendered = []
    failing = []
    return createOta({
      native: device.native,
      isDevelopment,
      onFirstRender: (callback) => rendered.push(callback),
      onFatalError: (callback) => failing.push(callback),
      warn: (message) => warnings.push(message),
    })
  }
  const app: TestApp = {
    ota: launch(),
    device,
    render: () => rendered.forEach((callback) => callback()),
    failFatally: () => failing.forEach((callback) => callback()),
    startAgain: () => {
      device.endProcess()
      device.start()
      app.ota = launch()
    },
    warnings,
  }
  return app
}
