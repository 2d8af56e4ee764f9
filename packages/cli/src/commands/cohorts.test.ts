import type { Cohort, Experiment, Page } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

test('a cohort is made, filled, shown, emptied and deleted', async () => {
  const { write, json, run } = await server.createPublisher()
  await write({ 'testers.csv': 'device_id,owner\nphone-1,Ann\nphone-2,Ben\n' })
  expect(await json<Cohort>('cohorts create testers --csv testers.csv --yes')).toMatchObject({ deviceCount: 2 })
  expect(await json<Cohort>('cohorts add testers phone-3 phone-1 --yes')).toMatchObject({ deviceCount: 3 })
  expect(await json<Cohort>('cohorts remove testers phone-2 --yes')).toMatchObject({ deviceCount: 2 })
  const { stdout, stderr } = await run('cohorts show testers')
  expect(stderr).toContain('testers: 2 devices.')
  expect(stdout).toMatch(/phone-1\nphone-3/)
  expect((await json<Page<Cohort>>('cohorts list')).items).toMatchObject([{ name: 'testers', deviceCount: 2 }])
  expect(await json<Cohort>('cohorts replace testers --csv testers.csv --yes')).toMatchObject({ deviceCount: 2 })
  expect((await run('cohorts delete testers --yes')).exitCode).toBe(0)
  expect((await json<Page<Cohort>>('cohorts list')).items).toEqual([])
})

test('a file that is not there, and a cohort that is not there, are named', async () => {
  const { run } = await server.createPublisher()
  expect(await run('cohorts create testers --csv nowhere.csv --yes')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('nowhere.csv'),
  })
  expect(await run('cohorts add nobody phone --yes')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('nobody'),
  })
  expect((await run('cohorts add testers --yes')).exitCode).toBe(2)
})

test('an experiment is started, listed, shown and finished with a winner', async () => {
  const { write, json, run } = await server.createPublisher()
  await write({ 'dist/index.android.bundle': 'bundle' })
  for (const version of ['1.0.0', '1.1.0']) {
    await json(
      'release',
      '--platform',
      'android',
      '--version',
      version,
      '--bundle-dir',
      'dist',
      '--channel',
      'beta',
      '--yes',
    )
  }
  const start = 'experiments start Colours --arm old=1.0.0:50 --arm new=1.1.0:50 --yes'
  const { id, arms } = await json<Experiment>(start)
  expect(arms.map(({ name, version, weight }) => [name, version, weight])).toEqual([
    ['old', '1.0.0', 50],
    ['new', '1.1.0', 50],
  ])
  expect((await run('experiments list')).stdout).toMatch(/Colours.*running/s)
  const { stdout } = await run(`experiments show ${id}`)
  expect(stdout).toMatch(/^new +1\.1\.0 +50 % +0 +0 +- +-$/m)
  expect(stdout).toContain('No difference yet that could not be chance')
  expect(await json(`experiments show ${id}`)).toMatchObject({
    id,
    results: [{ arm: 'old', attempted: 0 }, { arm: 'new' }],
  })
  expect((await run(`experiments finish ${id} --winner neither --yes`)).exitCode).toBe(2)
  // The older one wins: it is stated again, signed, or devices on the newer one would refuse it.
  expect(
    await json<Experiment>(`experiments finish ${id} --winner old --version 1.0.0 --platform android --yes`),
  ).toMatchObject({ winner: 'old' })
  const { items } = await json<Page<{ version: string; sequence: number | null }>>('rollouts list --channel production')
  expect(items[0]).toMatchObject({ version: '1.0.0', sequence: 3 })
})

test('the arms of an experiment are stated again, so that devices on the newer release take the older one', async () => {
  const { write, json, run } = await server.createPublisher()
  await write({ 'dist/index.android.bundle': 'bundle' })
  const release = 'release --platform android --bundle-dir dist --channel beta --yes --version'
  for (const version of ['1.0.0', '1.1.0']) await json(`${release} ${version}`)
  const start = 'experiments start Colours --arm new=1.1.0:50 --arm old=1.0.0:50 --restate --yes'
  expect((await run(start)).stderr).toContain('--platform')
  const { arms } = await json<Experiment>(`${start} --platform android`)
  expect(arms.map(({ name }) => name)).toEqual(['new', 'old'])
  const { items } = await json<Page<{ version: string; sequence: number | null }>>('rollouts list --channel production')
  expect(items.map(({ version, sequence }) => [version, sequence])).toEqual([
    ['1.1.0', 4],
    ['1.0.0', 3],
  ])
})

test.each(['--arm old=1.0.0', '--arm old=1.0.0:50', '--arm old:1.0.0:50 --arm new=2:50'])(
  'an experiment is not started with %s',
  async (arms) => {
    const { run } = await server.createPublisher()
    expect((await run(`experiments start Colours ${arms} --yes`)).exitCode).toBe(2)
  },
)
