import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createFakeTime } from '../../fleet/recording/testing/fake-time.ts'
import type { AnnouncementService, PlacedAnnouncement } from './announcement-service.ts'
import { createAnnouncementStreams } from './announcement-streams.ts'

const log = { warn: (...said: unknown[]) => void expect.fail(JSON.stringify(said)) }

function fakeResponse() {
  const written: string[] = []
  const response = Object.assign(new EventEmitter(), {
    headersSent: false,
    writableLength: 0,
    writeHead: () => (response.headersSent = true),
    write: (text: string) => written.push(text),
    end: () => response.emit('close'),
  })
  return {
    response: response as unknown as ServerResponse,
    told: () => written.filter((text) => text.startsWith('id: ')),
  }
}

/** Announcements whose reads are answered by what was there when they began, when the test says so. */
function fakeAnnouncements() {
  const placed: PlacedAnnouncement[] = []
  const held: (() => void)[] = []
  let isHolding = false
  const service = {
    lastPosition: () => Promise.resolve(placed.length),
    findPosition: () => Promise.resolve(undefined),
    listAfter(position: number) {
      const found = placed.filter((each) => each.position > position)
      return isHolding ? new Promise((resolve) => held.push(() => resolve(found))) : Promise.resolve(found)
    },
  } as unknown as AnnouncementService
  return {
    service,
    place(id: string) {
      const announcement = { id, type: 'rollback' as const, appId: 'app', at: '', data: {} }
      placed.push({ position: placed.length + 1, announcement })
    },
    hold: () => void (isHolding = true),
    release() {
      isHolding = false
      for (const answer of held.splice(0)) answer()
    },
  }
}

const reader = (name = 'a') => ({ ofApps: null, lastId: undefined, reader: name, authorize: () => Promise.resolve() })

test('what is placed while somebody reads is told to all who wait, not only to whoever reads', async () => {
  const announcements = fakeAnnouncements()
  const streams = createAnnouncementStreams({
    announcements: announcements.service,
    timers: createFakeTime().timers,
    log,
  })
  const [waiting, opening] = [fakeResponse(), fakeResponse()]
  await streams.open(waiting.response, reader(), () => undefined)
  await setImmediate()
  announcements.hold()
  await streams.open(opening.response, reader(), () => undefined)
  announcements.place('new')
  streams.look()
  announcements.release()
  await setImmediate()
  await setImmediate()
  expect([waiting.told().length, opening.told().length]).toEqual([1, 1])
  streams.close()
})

test('one token has its share of the streams, and leaves the others to others', async () => {
  const streams = createAnnouncementStreams({
    announcements: fakeAnnouncements().service,
    timers: createFakeTime().timers,
    log,
  })
  const open = async (name: string) => {
    const { response } = fakeResponse()
    await streams.open(response, reader(name), () => undefined)
    return response
  }
  const [first] = await Promise.all(Array.from({ length: 50 }, () => open('a')))
  await expect(open('a')).rejects.toMatchObject({ type: 'too-many-requests', extensions: { retryAfterSeconds: 30 } })
  await open('b')
  first?.emit('close')
  await open('a')
  for (const name of ['c', 'd']) await Promise.all(Array.from({ length: 50 }, () => open(name)))
  await Promise.all(Array.from({ length: 49 }, () => open('b')))
  expect(streams.count()).toBe(200)
  await expect(open('e')).rejects.toMatchObject({ type: 'too-many-requests' })
  streams.close()
  expect(streams.count()).toBe(0)
})
