import type { PublishedRelease, Rollout } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const PLAN = '1%:1h:50,10%:4h,50%:1d,100%'
const WINDOW = 'Mon-Fri 09:00-17:00 Europe/Berlin'
const RELEASE = 'release --platform android --bundle-dir dist --yes --version 1.0.0'

async function createPublisher() {
  const publisher = await server.createPublisher()
  await publisher.write({ 'dist/index.android.bundle': 'bundle' })
  return publisher
}

async function createPlanned(...more: string[]) {
  const publisher = await createPublisher()
  const { rolloutId } = await publisher.json<PublishedRelease>(RELEASE, '--plan', PLAN, ...more)
  return { ...publisher, id: rolloutId }
}

describe('a plan', () => {
  test('is shown before it is published, and comes with the release', async () => {
    const { run, json } = await createPublisher()
    const line = [...RELEASE.split(' '), '--plan', PLAN, '--window', WINDOW, '--window', 'Sat 10:00-12:00 UTC']
    const { exitCode, stderr } = await run(line)
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/Reaches +1 % of the devices/)
    expect(stderr).toMatch(/Steps +1 % for 1h and until 50 devices have tried it, then 10 % for 4h, then 50 % for 1d/)
    expect(stderr).toMatch(/Goes on +Mon-Fri 09:00-17:00 Europe\/Berlin; Sat 10:00-12:00 UTC/)
    const [rollout] = (await json<{ items: Rollout[] }>('rollouts list')).items
    expect(rollout).toMatchObject({ percentage: 1, state: 'active' })
    expect(await json(`rollouts show ${rollout?.id}`)).toMatchObject({
      id: rollout?.id,
      plan: { state: 'running', step: 1, windows: [{ days: [1, 2, 3, 4, 5] }, { days: [6] }] },
    })
  })

  test('that waits for nothing is told to be over at once', async () => {
    const { run } = await createPublisher()
    const { stderr } = await run([...RELEASE.replace('--yes', '--dry-run').split(' '), '--plan', '1%,100%'])
    expect(stderr).toMatch(/Steps +1 %, then 100 %\. No step waits/)
  })

  test('comes with a promotion, at a time', async () => {
    const { json, run } = await createPublisher()
    const { releaseId } = await json<PublishedRelease>(`${RELEASE} --channel beta`)
    const schedule = ['--plan', '5%,100%', '--start-at', '2099-01-01T12:00:00Z']
    const promote = `promote --release ${releaseId} --to production --yes`
    const { id, ...rollout } = await json<Rollout>(promote, ...schedule)
    expect(rollout).toMatchObject({ percentage: 5, startsAt: '2099-01-01T12:00:00.000Z' })
    const { stdout } = await run(`rollouts show ${id}`)
    expect(stdout).toMatch(/plan +scheduled, step 1 of 2/)
    expect(stdout).toContain('The rollout starts at 2099-01-01 12:00 UTC.')
  })

  test('waits with the release for somebody to say that it begins', async () => {
    const { run, json } = await createPublisher()
    const { stderr } = await run([...RELEASE.split(' '), '--paused'])
    expect(stderr).toMatch(/Paused +nobody gets it until it is resumed/)
    const [rollout] = (await json<{ items: Rollout[] }>('rollouts list')).items
    expect(rollout).toMatchObject({ state: 'paused', version: '1.0.0' })
    const promote = `promote --release ${rollout?.releaseId} --to beta --yes --paused`
    const [first, again] = [await json<Rollout>(promote), await json<Rollout>(promote)]
    expect([first.state, again.id]).toEqual(['paused', first.id])
    expect(await json(`rollouts resume ${rollout?.id} --yes`)).toMatchObject({ state: 'active' })
  })

  test('is shown with its steps, and with what it waits for', async () => {
    const { id, run } = await createPlanned('--window', WINDOW)
    const { stdout } = await run(`rollouts show ${id}`)
    expect(stdout).toMatch(/plan +running, step 1 of 4/)
    expect(stdout).toMatch(/waits for +It stays at 1 % until .+ UTC at least\./)
    expect(stdout).toContain(WINDOW)
    expect(stdout).toMatch(/→ 1 +1 % +1h +50 +now/)
    expect(stdout).toMatch(/ 2 +10 % +4h +- +to come/)
    expect(stdout).toMatch(/ 4 +100 % +- +- +to come/)
  })

  test('is skipped a step, and finished', async () => {
    const { id, run, json } = await createPlanned()
    const advanced = await run(`rollouts advance ${id} --yes`)
    expect(advanced).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('It stays at 1 % until') })
    expect(advanced.stdout).toMatch(/percentage +10/)
    expect(await json(`rollouts finish ${id} --yes`)).toMatchObject({ percentage: 100 })
    const { stdout } = await run(`rollouts show ${id}`)
    expect(stdout).toMatch(/plan +finished, step 4 of 4/)
    expect(stdout).not.toContain('waits for')
    expect(await run(`rollouts advance ${id} --yes`)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('finished already'),
    })
  })

  test('keeps people from the percentage, and tells them the way', async () => {
    const { id, run } = await createPlanned()
    const { exitCode, stderr } = await run(`rollouts set ${id} --percentage 50 --yes`)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('Advance it to the next step, or finish it.')
  })

  test('does nothing without a yes', async () => {
    const { id, run, json } = await createPlanned()
    for (const verb of ['advance', 'finish']) expect((await run(`rollouts ${verb} ${id}`)).exitCode).toBe(2)
    expect(await json(`rollouts show ${id}`)).toMatchObject({ plan: { step: 1 } })
  })

  test.each([
    ['--plan', '10%,5%'],
    ['--plan', '1%:50'],
    ['--plan', '1%,100%', '--rollout', '10'],
    ['--window', WINDOW],
    ['--plan', '1%,100%', '--window', 'Mon 09:00-17:00 Nowhere/None'],
    ['--start-at', 'tomorrow'],
  ])('is refused before anything happens: %s %s %s %s', async (...options) => {
    const { run } = await createPublisher()
    const { exitCode } = await run([...RELEASE.split(' '), ...options.filter((option) => option !== undefined)])
    expect(exitCode).toBe(2)
  })
})

test('a rollout without a plan is shown, too', async () => {
  const { json, run } = await createPublisher()
  const { rolloutId } = await json<PublishedRelease>(`${RELEASE} --rollout 12.5`)
  expect(await json(`rollouts show ${rolloutId}`)).toMatchObject({ percentage: 12.5, plan: null })
  expect((await run(`rollouts show ${rolloutId}`)).stdout).toMatch(/percentage +12.5/)
  expect(await run(`rollouts advance ${rolloutId} --yes`)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('no plan'),
  })
})
