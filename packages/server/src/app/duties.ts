import type { CheckPath } from './check-path.ts'
import type { Core } from './core.ts'
import type { Services } from './services.ts'
import { startSweeping } from './start-sweeping.ts'
import type { Telling } from './telling.ts'

/**
 * What the server does by itself, and once: of several processes on one machine one does it. Servers on other machines
 * do it too; that two are at it at once is settled in the database.
 */
export function createDuties(core: Core, { retention }: CheckPath, services: Services, telling: Telling) {
  const { automation, madeLater } = services
  const { relay, dispatcher } = telling
  let isStopped = false
  let stopSweeping = () => {}
  let stopped: Promise<void> | undefined

  function start(): void {
    if (isStopped) return
    automation.start()
    for (const { wake } of madeLater) wake()
    relay.onPlaced(dispatcher.wake)
    // What another one has left.
    dispatcher.wake()
    retention.start()
    stopSweeping = startSweeping(core, services, telling)
  }

  /** Resolves when what is under way has come to its end. */
  function stop(): Promise<void> {
    isStopped = true
    return (stopped ??= stopAll())
  }

  async function stopAll(): Promise<void> {
    stopSweeping()
    const isAutomationStopped = automation.stop()
    const isSwept = retention.stop()
    await isAutomationStopped
    await isSwept
    for (const { stop } of madeLater) await stop()
  }

  return { start, stop }
}
