import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 25
const DEVICES = 50

/** Devices that check all the time, and report what they applied; a report is sent again until it is taken, as theirs are. */
export function startDevices(options: { url: string; appId: string; appKey: string; version: string }) {
  const { url, appId, appKey, version } = options
  const headers = { 'x-app-key': appKey, 'content-type': 'application/json' }
  const statuses: number[] = []
  const failures: unknown[] = []
  let taken = 0
  let refused = 0
  const stopping = new AbortController()

  async function post(path: string, fields: object) {
    const body = JSON.stringify({ appId, platform: 'android', ...fields })
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    return answer.status
  }

  async function check(): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const deviceId = `phone-${turn % DEVICES}`
      try {
        statuses.push(await post('/update/check', { deviceId, version: '0.9.0' }))
      } catch (error) {
        failures.push(error)
      }
      await pause(PAUSE_MS)
    }
  }

  async function report(): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const fields = { deviceId: `phone-${turn % DEVICES}`, eventId: randomUUID(), status: 'applied', version }
      for (;;) {
        const status = await post('/installations', fields)
        if (status === 200) break
        refused += 1
        if (status !== 503) throw new Error(`A report was answered with ${status}.`)
        await pause(PAUSE_MS)
      }
      taken += 1
      await pause(PAUSE_MS)
    }
  }

  const all = Promise.all([check(), report()])
  return {
    answered: () => statuses.length,
    taken: () => taken,
    async stop() {
      stopping.abort()
      await all
      return { statuses, failures, taken, refused }
    },
  }
}
