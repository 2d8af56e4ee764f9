import { createElement, useEffect, type ReactElement, type ReactNode } from 'react'
import { act, create, type ReactTestRenderer } from 'react-test-renderer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NativeEvent } from '../native/messages.ts'
import { createTestApp, type TestApp } from '../test-host/index.ts'
import { createReactParts } from './hooks.ts'
import { tellWhenRendered } from './tell-when-rendered.ts'

const QUIET = { apiUrl: 'https://updates.example.com', appId: 'a', checkOnLaunch: false }
const appsOwn = createTestApp()
const { OtaProvider, useOta, useUpdate, useUpdateProgress, ConfirmWhenRendered, withUpdates } = createReactParts(
  appsOwn.ota,
)

const globals = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }
beforeAll(() => {
  globals.IS_REACT_ACT_ENVIRONMENT = true
})
afterAll(() => {
  delete globals.IS_REACT_ACT_ENVIRONMENT
})

function render(element: ReactElement): ReactTestRenderer {
  let screen: ReactTestRenderer | undefined
  act(() => {
    screen = create(element)
  })
  return screen!
}

const renderFor = ({ ota }: TestApp, element: ReactNode) =>
  render(createElement(OtaProvider, { ota, children: element }))

/** With all that React makes of it. */
const done = (deed: () => Promise<unknown>) =>
  act(async () => {
    await deed()
  })

function Screen() {
  const { status, phase, isBusy, outcome } = useUpdate()
  const progress = useUpdateProgress()
  return [
    status.running.version,
    status.staged?.version ?? 'nothing',
    phase,
    isBusy ? 'busy' : 'free',
    progress ? `${Math.round(progress.fraction * 100)} %` : 'no download',
    outcome?.kind ?? 'not asked',
  ].join(', ')
}

test('a screen shows what runs, what waits, and what came of it', async () => {
  const app = createTestApp()
  app.ota.configure(QUIET)
  app.device.offer({ releaseId: 'r1', version: '1.1.0' })
  const screen = renderFor(app, createElement(Screen))
  expect(screen.toJSON()).toBe('1.0.0, nothing, idle, free, no download, not asked')
  await done(() => app.ota.download())
  expect(screen.toJSON()).toBe('1.0.0, 1.1.0, staged, free, no download, staged')
  await done(() => app.ota.setChannel('beta'))
  expect(screen.toJSON()).toBe('1.0.0, 1.1.0, staged, free, no download, not asked')
  act(() => screen.unmount())
})

test('the part that is done is shown while it comes', async () => {
  const app = createTestApp()
  let tell: (event: NativeEvent) => void = () => undefined
  app.device.native.listen = (listener) => {
    tell = listener
    return () => undefined
  }
  app.ota.configure(QUIET)
  const screen = renderFor(app, createElement(Screen))
  await done(async () => tell({ type: 'state', state: 'downloading', releaseId: 'r1' }))
  expect(screen.toJSON()).toContain('downloading, busy, no download')
  await done(async () => tell({ type: 'progress', receivedBytes: 3, sizeBytes: 4, releaseId: 'r1' }))
  expect(screen.toJSON()).toContain('downloading, busy, 75 %')
  // A part came twice.
  await done(async () => tell({ type: 'progress', receivedBytes: 5, sizeBytes: 4, releaseId: 'r1' }))
  expect(screen.toJSON()).toContain('100 %')
  await done(async () => tell({ type: 'state', state: 'verifying', releaseId: 'r1' }))
  expect(screen.toJSON()).toContain('verifying, busy, no download')
  act(() => screen.unmount())
})

test('without a provider the hooks speak to the app’s own', async () => {
  const Shown = () => useOta().status().nativeVersion
  const screen = render(createElement(Shown))
  expect(screen.toJSON()).toBe('1.0.0')
})

async function onProbation(): Promise<TestApp> {
  const app = createTestApp()
  app.ota.configure(QUIET)
  app.device.offer({ releaseId: 'r1', version: '1.1.0' })
  await app.ota.sync()
  app.startAgain()
  return app
}

test('a root confirms what runs when all of it was rendered, effects and all', async () => {
  const app = await onProbation()
  const standings: unknown[] = []
  const Inner = ({ name }: { name: string }) => {
    useEffect(() => void standings.push(app.ota.status().standing), [])
    return name
  }
  const screen = renderFor(app, createElement(withUpdates(Inner), { name: 'a screen' }))
  expect(screen.toJSON()).toBe('a screen')
  expect(standings).toEqual(['probation'])
  expect(app.ota.status().standing).toBe('confirmed')
})

test('a root that throws confirms nothing', async () => {
  const app = await onProbation()
  const Broken = (): ReactNode => {
    throw new Error('broken')
  }
  const broken = createElement(ConfirmWhenRendered, null, createElement(Broken))
  expect(() => renderFor(app, broken)).toThrow('broken')
  expect(app.ota.status().standing).toBe('probation')
})

test('what React Native puts around roots tells once', async () => {
  let told = 0
  const Wrapper = tellWhenRendered(() => {
    told += 1
  })
  const root = (text: string) => createElement(Wrapper, null, text)
  const screen = render(root('a'))
  act(() => screen.update(root('b')))
  expect(screen.toJSON()).toBe('b')
  expect(told).toBe(1)
})
