import type { Device, Page } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer({ HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0' })

interface Told {
  story: string
  app: string
  steps: string[]
  devices: number
  versions: Record<string, number>
  refused: number
  failures: Record<string, number>
  why: { device: string; answer: string; changes: string[] }
  solved: boolean
}

const SHORT = '--devices 6 --minutes 2880'

describe('stories', () => {
  test.each([
    [
      'undone-rollback',
      'embedded',
      '1.1.0',
      /\(below-high-water\)$/,
      /Left behind: 6 devices .* Way out: 1\.1\.0, stated again/,
    ],
    ['undone-promote', 'embedded', '1.1.0', /\(below-high-water\)$/, /Takes back: 6 devices to an older release/],
    ['new-key', '1.0.0', '2.0.1', /\(runs-the-target\)$/, /6 phones could not take what the new key signs/],
  ])('%s: phones wait on %s, refuse nothing, and end on %s', async (name, stuckOn, endsOn, answer, beforehand) => {
    const { json } = await server.createOwner()
    const [told, ...more] = await json<Told[]>(`simulate --story ${name} ${SHORT}`)
    expect(more).toEqual([])
    expect(told).toMatchObject({ story: name, refused: 0, failures: {}, versions: { [endsOn]: 6 }, solved: true })
    expect(told?.why.answer).toMatch(answer)
    expect(told?.why.changes.length).toBeGreaterThan(0)
    expect(told?.steps.join('\n')).toMatch(beforehand)
    const lives = told?.steps.filter((step) => step.includes('lived')) ?? []
    expect(lives.at(-2)).toContain(`${stuckOn} `)
    // The server believes the same of them.
    const { items } = await json<Page<Device>>(`devices list --app ${told?.app}`)
    expect(items.map(({ currentVersion }) => currentVersion)).toEqual(Array.from({ length: 6 }, () => endsOn))
  })

  test('in words', async () => {
    const { run } = await server.createOwner()
    const { stdout, stderr, exitCode } = await run(`simulate --story new-key ${SHORT}`)
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/^1\. 1\.0\.0 is published\.$/m)
    expect(stderr).toMatch(/^2\. 6 phones lived 48 h: 1\.0\.0 █{20} 6$/m)
    expect(stdout).toMatch(/^refused\s+0: no phone was offered what it would refuse$/m)
    expect(stdout).toMatch(/^solved\s+yes$/m)
  })

  test('whose parts are too short for a phone to open the app is not begun', async () => {
    const tool = await server.createOwner()
    const { exitCode, stderr } = await tool.run('simulate --story new-key --devices 6 --minutes 30')
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('give at least --minutes 720')])
  })

  test('says that it did not end well', async () => {
    const { run } = await server.createOwner()
    const crashing = '--crash-rate 2.0.1=100%'
    const { stdout, stderr, exitCode } = await run(`simulate --story new-key ${SHORT} ${crashing}`)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^solved\s+no$/m)
    expect(stderr).toMatch(/It did not end well: new-key/)
  })

  test.each([
    ['--story other', /undone-rollback/],
    ['--story new-key --checks-only', /--checks-only/],
  ])('refuses %s', async (options, message) => {
    const { run } = await server.createOwner()
    const { exitCode, stderr } = await run(`simulate ${options}`)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
  })
})
