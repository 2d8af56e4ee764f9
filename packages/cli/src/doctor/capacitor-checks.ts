import { join } from 'node:path'
import type { App } from '@hotpatch/api'
import { plainText, type CapacitorProject } from '../capacitor/capacitor-project.ts'
import type { PlainReader } from '../capacitor/plain-values.ts'
import type { Project } from '../config/project-file.ts'
import { failed, passed, warned, type Check } from './check.ts'
import { checkCapgoKey, checkCapawesomeKey } from './plugin-key-checks.ts'
import { readPlainText } from '../files/read-plain-text.ts'

/** What devices are to ask, and about which app. */
export interface CapacitorTarget {
  url: string
  app: App
}

interface Looked {
  programName: string
  config: string
  settings: PlainReader | undefined
  appId: string | undefined
  target: CapacitorTarget | undefined
}

const CAPGO = '@capgo/capacitor-updater'
const CAPAWESOME = '@capawesome/capacitor-live-update'
const OWN = '@hotpatch/capacitor'

/** What the configuration of a Capacitor app says of its updates, and which plugin it has. */
export async function checkCapacitor(
  programName: string,
  capacitor: CapacitorProject,
  project: Project | undefined,
  target: CapacitorTarget | undefined,
): Promise<Check[]> {
  const dependencies = await readDependencies(capacitor.directory)
  const plugins = [CAPGO, CAPAWESOME, OWN].filter((name) => name in dependencies)
  const { configPath: config, directory } = capacitor
  const looked = { programName, config, target, appId: plainText(capacitor, 'appId') }
  const isManual = plugins.includes(OWN)
  const capgo = { ...looked, settings: capacitor.settingsOf('CapacitorUpdater') }
  const liveUpdate = { ...looked, settings: capacitor.settingsOf('LiveUpdate') }
  return [
    checkWebDirectory(capacitor),
    checkPlugins(directory, plugins, dependencies),
    ...(plugins.includes(CAPGO) ? [checkAutoUpdate(capgo, isManual)] : []),
    ...(plugins.includes(CAPGO) && !isManual ? checkCapgo(capgo) : []),
    ...(plugins.includes(CAPGO) ? [await checkCapgoKey(directory, capgo.settings)] : []),
    ...(plugins.includes(CAPAWESOME) ? checkCapawesome(liveUpdate) : []),
    ...(plugins.includes(CAPAWESOME) ? [await checkCapawesomeKey(programName, project, liveUpdate.settings)] : []),
  ].filter((check) => check !== undefined)
}

function checkWebDirectory(capacitor: CapacitorProject): Check {
  const webDir = plainText(capacitor, 'webDir')
  if (webDir !== undefined) return passed('capacitor', `${capacitor.configPath}: release publishes ${webDir}.`)
  const message = `${capacitor.configPath} has no webDir that stands there plainly: release does not know what to publish.`
  return warned('capacitor', message, 'Write webDir as a plain text, or give --bundle-dir.')
}

function checkPlugins(directory: string, plugins: readonly string[], dependencies: Record<string, unknown>): Check {
  const id = 'update-plugin'
  const named = plugins.map((name) => `${name} ${String(dependencies[name])}`)
  if (plugins.includes(CAPGO) && plugins.includes(CAPAWESOME)) {
    return failed(
      id,
      `There are two: ${named.join(' and ')}. Each would replace what the other has installed.`,
      'Keep one.',
    )
  }
  if (plugins.length > 0) return passed(id, `${named.join(' and ')}.`)
  const message = `The package.json in ${directory} has no update plugin: nothing in the app asks for updates.`
  return warned(id, message, `npm install ${CAPGO}`)
}

/** Off is right where the app's own code asks. */
function checkAutoUpdate({ settings, config }: Looked, isManual: boolean): Check | undefined {
  const id = 'capgo-auto-update'
  const found = settings?.read('autoUpdate') ?? { kind: 'absent' }
  if (found.kind === 'computed') return warned(id, `${config}: what autoUpdate is, a program works out.`)
  const value = found.kind === 'plain' ? found.value : true
  const isOff = value === false || value === 'off'
  if (isManual && !isOff) {
    return failed(id, `${config}: autoUpdate is on, and ${OWN} switches bundles, too.`, 'Set autoUpdate: false.')
  }
  if (isOff && !isManual) {
    return warned(
      id,
      `${config}: autoUpdate is off: the plugin asks only when the app's own code has it ask.`,
      'Set autoUpdate: true.',
    )
  }
  return passed(id, `autoUpdate is ${String(value)}.`)
}

const ADDRESSES = { updateUrl: 'updates', statsUrl: 'stats', channelUrl: 'channel_self' } as const

function checkCapgo(looked: Looked): Check[] {
  const { target } = looked
  if (!target) return []
  const addresses = Object.entries(ADDRESSES).map(([name, path]) => checkAddress(looked, target, name, path))
  const found = looked.settings?.read('updateUrl')
  const hasKey = found?.kind === 'plain' && /[?&]key=/.test(String(found.value))
  return [
    ...addresses,
    ...(hasKey ? [] : [checkAccess(looked, target, "Capgo's plugin")]),
    checkBundleId(looked, target),
  ]
}

function checkAddress({ settings, config }: Looked, { url, app }: CapacitorTarget, name: string, path: string): Check {
  const id = `capgo-${name.replace('Url', '-url')}`
  const expected = `${url}/apps/${app.slug}/capgo/${path}`
  const fix = `Set ${name}: '${expected}' in plugins.CapacitorUpdater.`
  const found = settings?.read(name) ?? { kind: 'absent' }
  if (found.kind === 'computed') return warned(id, `${config}: what ${name} is, a program works out.`, fix)
  if (found.kind === 'absent') return failed(id, `${config} has no ${name}: the plugin asks Capgo's own cloud.`, fix)
  if (found.value === '' && name === 'statsUrl') {
    return warned(id, 'Statistics are off: no guard and no figure here knows how an update went.', fix)
  }
  const given = URL.canParse(String(found.value)) ? new URL(String(found.value)) : undefined
  const paths = [app.slug, app.id].map((word) => `/apps/${word}/capgo/${path}`)
  const place = given?.pathname.replace(new URL(url).pathname.replace(/\/$/, ''), '')
  if (given?.origin !== new URL(url).origin) {
    return failed(id, `${config}: ${name} is ${String(found.value)}, and this server is ${url}.`, fix)
  }
  if (place === `/capgo/${path}` || paths.includes(place ?? '')) return passed(id, `${name} leads to this server.`)
  return failed(id, `${config}: ${name} is ${String(found.value)}, where ${app.slug} is not asked about.`, fix)
}

/** The plugins send no header that could carry a key. */
function checkAccess({ programName }: Looked, { app }: CapacitorTarget, who: string): Check {
  const id = 'check-access'
  if (app.checkAccess === 'open') return passed(id, `${app.slug} answers who sends no key.`)
  const message = `${app.slug} answers only who sends its key, and ${who} has no header for one.`
  return failed(id, message, `${programName} apps set ${app.slug} --check-access open`)
}

function checkBundleId({ programName, appId, config }: Looked, { app }: CapacitorTarget): Check {
  const id = 'bundle-id'
  if (appId === undefined) return warned(id, `${config} has no appId that stands there plainly.`)
  if (app.bundleIds.includes(appId)) return passed(id, `${appId} is one of the bundle ids of ${app.slug}.`)
  const fix = `${programName} apps set ${app.slug} --bundle-ids ${[...app.bundleIds, appId].join(',')}`
  if (app.bundleIds.length === 0)
    return warned(id, `${app.slug} does not know that its binaries are called ${appId}.`, fix)
  return failed(id, `${app.slug} is asked about only as ${app.bundleIds.join(', ')}, and this app is ${appId}.`, fix)
}

function checkCapawesome(looked: Looked): Check[] {
  const { settings, config, target } = looked
  if (!target) return []
  return [
    checkDomain(config, settings, target.url),
    checkLiveUpdateApp(config, settings, target.app),
    checkAccess(looked, target, "Capawesome's plugin"),
  ]
}

function checkDomain(config: string, settings: PlainReader | undefined, url: string): Check {
  const id = 'live-update-server'
  const { host, protocol } = new URL(url)
  const fix = `Set serverDomain: '${host}' in plugins.LiveUpdate.`
  const found = settings?.read('serverDomain') ?? { kind: 'absent' }
  if (found.kind === 'computed') return warned(id, `${config}: what serverDomain is, a program works out.`, fix)
  if (found.kind === 'absent')
    return failed(id, `${config} has no serverDomain: the plugin asks Capawesome's own cloud.`, fix)
  if (found.value !== host)
    return failed(id, `${config}: serverDomain is ${String(found.value)}, and this server is ${host}.`, fix)
  if (protocol === 'https:') return passed(id, 'serverDomain is this server.')
  return warned(
    id,
    `serverDomain is this server, which the plugin asks by https only, and you by ${protocol.slice(0, -1)}.`,
  )
}

function checkLiveUpdateApp(config: string, settings: PlainReader | undefined, app: App): Check {
  const id = 'live-update-app'
  const fix = `Set appId: '${app.id}' in plugins.LiveUpdate.`
  const found = settings?.read('appId') ?? { kind: 'absent' }
  if (found.kind === 'plain' && [app.id, app.slug, ...app.bundleIds].includes(String(found.value))) {
    return passed(id, `appId is that of ${app.slug}.`)
  }
  if (found.kind === 'plain' && String(found.value).startsWith('hpk_')) {
    return passed(id, 'appId is a key, by which the server finds the app.')
  }
  if (found.kind === 'computed') return warned(id, `${config}: what appId of LiveUpdate is, a program works out.`, fix)
  const is = found.kind === 'plain' ? `is ${String(found.value)}` : 'is not there'
  return failed(id, `${config}: appId of LiveUpdate ${is}, and ${app.slug} has the id ${app.id}.`, fix)
}

async function readDependencies(directory: string): Promise<Record<string, unknown>> {
  try {
    const json = JSON.parse(await readPlainText(join(directory, 'package.json'))) as Record<string, unknown>
    return { ...(json.devDependencies as object | undefined), ...(json.dependencies as object | undefined) }
  } catch {
    return {} // which is told as a project without a plugin
  }
}
