import { expect, test } from 'vitest'
import type { HooksPort } from '../ground/hooks.ts'
import type { ServiceHooks } from '../installation/installation.ts'
import { exchangeUnderService, isServiceRunning, restartService } from './services.ts'

const hook = (name: string) => ({ run: [name] as [string], timeoutMs: 1 })

function told(exitCodes: Readonly<Record<string, number>> = {}) {
  const log: string[] = []
  const hooks: HooksPort = {
    run: async ({ run: [name] }) => {
      log.push(name)
      return { exitCode: exitCodes[name] ?? 0, output: `${name} said so` }
    },
  }
  return { log, call: { hooks, facts: {}, component: 'gateway' } }
}

async function exchange(service: ServiceHooks | undefined, exitCodes?: Readonly<Record<string, number>>) {
  const { log, call } = told(exitCodes)
  await exchangeUnderService(service, call, async () => void log.push('exchange'))
  return log
}

test('nothing where there is no service', async () => {
  expect(await exchange(undefined)).toEqual(['exchange'])
  expect(await exchange({ isRunning: hook('isRunning') })).toEqual(['exchange'])
})

test('it is stopped before and started after', async () => {
  expect(await exchange({ stop: hook('stop'), start: hook('start') })).toEqual(['stop', 'exchange', 'start'])
})

test('or restarted after, in the place of both', async () => {
  const service = { stop: hook('stop'), start: hook('start'), restart: hook('restart') }
  expect(await exchange(service)).toEqual(['exchange', 'restart'])
})

test('what does not run is not stopped', async () => {
  const service = { stop: hook('stop'), start: hook('start'), isRunning: hook('isRunning') }
  expect(await exchange(service, { isRunning: 3 })).toEqual(['isRunning', 'exchange', 'start'])
})

test('a service that does not come up says why', async () => {
  const { call } = told({ start: 1 })
  await expect(restartService({ stop: hook('stop'), start: hook('start') }, call)).rejects.toMatchObject({
    code: 'service-failed',
    component: 'gateway',
    message: 'Starting the service of gateway failed: expected start to end with 0, it ended with 1.\nstart said so',
  })
})

test('whether it runs is not known where nobody says how to ask', async () => {
  const { call } = told({ isRunning: 1 })
  expect(await isServiceRunning({}, call)).toBeUndefined()
  expect(await isServiceRunning({ isRunning: hook('isRunning') }, call)).toBe(false)
})
