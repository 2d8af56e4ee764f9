import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createNodeCrypto } from '@hotpatch/client/node'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import { newSigningKey, temporaryDirectory } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { nodeProcess } from '../applying/node-process.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import { examineKit } from './examine-kit.ts'

const { publicKey } = newSigningKey()
const repairTargets = { gateway: { path: 'gateway.env', format: 'env', keys: ['BASE_URL'] } }

async function warningsOf(document: object): Promise<string[]> {
  const root = await temporaryDirectory()
  await writeFile(join(root, 'kit.json'), JSON.stringify({ publicKeys: [publicKey], ...document }))
  const findings = await examineKit({
    disk: createNodeDisk(root),
    crypto: createNodeCrypto(),
    clock: systemClock(),
    process: nodeProcess(),
    canRun: () => Promise.resolve(true),
    modeOf: () => Promise.resolve(undefined),
    canWrite: () => Promise.resolve(true),
  })
  return findings.filter(({ id, status }) => id === 'settings' && status === 'warn').map(({ message }) => message)
}

test('settings that nothing takes up are warned of, of templates and of repairs', async () => {
  const edge = { path: 'edge/nginx.conf', validate: ['nginx', '-t'] }
  expect(await warningsOf({ repairTargets, components: { edge, accounts: {} } })).toEqual([
    expect.stringMatching(/^edge changes settings \(edge\/nginx\.conf\), and nothing makes what runs take them up/),
    expect.stringMatching(/^accounts changes settings of others \(gateway\)/),
  ])
})

test('what is reloaded or restarted, migrates, or has no settings is not', async () => {
  const reload = ['nginx', '-s', 'reload']
  const components = {
    edge: { path: 'edge/nginx.conf', validate: ['nginx', '-t'], reload },
    accounts: { service: { restart: ['systemctl', 'restart', 'gateway'] } },
    database: { migration: { run: ['./migrate'] } },
    web: { path: 'web' },
  }
  expect(await warningsOf({ repairTargets, components })).toEqual([])
  expect(await warningsOf({ components: { accounts: {} } })).toEqual([])
})
