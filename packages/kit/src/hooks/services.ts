import type { HooksPort } from '../ground/hooks.ts'
import { KitError } from '../ground/kit-error.ts'
import type { ServiceHooks } from '../installation/installation.ts'
import { runHook, withPaths, type HookFacts } from './run-hook.ts'

export interface ServiceCall {
  hooks: HooksPort
  facts: HookFacts
  component: string
}

/** Undefined where the installation does not say how one finds out. */
export async function isServiceRunning(
  service: ServiceHooks | undefined,
  { hooks, facts }: ServiceCall,
): Promise<boolean | undefined> {
  if (!service?.isRunning) return undefined
  return (await hooks.run(withPaths(service.isRunning, facts), facts)).exitCode === 0
}

/**
 * Kits §3.2: exchanges something while its service does not run, or before it is started again. A service that has
 * `restart` runs meanwhile.
 * @throws KitError service-failed
 */
export async function exchangeUnderService(
  service: ServiceHooks | undefined,
  call: ServiceCall,
  exchange: () => Promise<void>,
): Promise<void> {
  if (service && !service.restart) await stopService(service, call)
  await exchange()
  await startAgain(service, call)
}

/** Until it runs with what lies there now. Nothing where there is no service. @throws KitError service-failed */
export async function restartService(service: ServiceHooks | undefined, call: ServiceCall): Promise<void> {
  await exchangeUnderService(service, call, () => Promise.resolve())
}

/**
 * On the way back: what is stopped may be what never came up, so that stopping it may fail. What was not there before is
 * not started again.
 * @throws KitError service-failed
 */
export async function restartAsBefore(
  service: ServiceHooks | undefined,
  call: ServiceCall,
  { wasThere, exchange }: { wasThere: boolean; exchange: () => Promise<void> },
): Promise<void> {
  if (service && (!service.restart || !wasThere)) await stopService(service, call).catch(ignoreFailure)
  await exchange()
  if (wasThere) await startAgain(service, call)
}

function ignoreFailure(error: unknown): void {
  if (!(error instanceof KitError)) throw error
}

async function stopService(service: ServiceHooks, call: ServiceCall): Promise<void> {
  if (!service.stop) return
  // What does not run often cannot be stopped.
  if ((await isServiceRunning(service, call)) === false) return
  await runHook(service.stop, { ...call, what: `Stopping the service of ${call.component}`, code: 'service-failed' })
}

async function startAgain(service: ServiceHooks | undefined, call: ServiceCall): Promise<void> {
  const command = service?.restart ?? service?.start
  if (!command) return
  const what = service?.restart ? 'Restarting' : 'Starting'
  await runHook(command, { ...call, what: `${what} the service of ${call.component}`, code: 'service-failed' })
}
