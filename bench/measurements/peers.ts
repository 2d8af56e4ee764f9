import type { Bench, Finding, Measurement } from '../finding.ts'
import type { ClientProtocol } from '../peers/client-protocol.ts'
import { codePushServers } from '../peers/code-push/contenders.ts'
import { codePushProtocol } from '../peers/code-push/protocol.ts'
import { compareContenders } from '../peers/compare-contenders.ts'
import type { Contender } from '../peers/contender.ts'
import { hotPatchOnPostgres, hotPatchOnSqlite, type PlaceOf } from '../peers/hot-patch.ts'
import { hotUpdaterInMemory, hotUpdaterOnPostgres } from '../peers/hot-updater/contenders.ts'
import { hotUpdaterProtocol } from '../peers/hot-updater/protocol.ts'
import { NotHere } from '../peers/needs.ts'

/** What is to be compared, and what cannot be here. */
type Opened = { contenders: readonly Contender[] } | { missing: string; why: string }

/** HotPatch, which is not compared with itself, and the peers whose client asks. */
interface Comparison {
  protocol: ClientProtocol
  hotPatch: PlaceOf
  peers: readonly { name: string; open(protocol: ClientProtocol): Promise<readonly Contender[]> }[]
}

export const peers: Measurement = {
  name: 'peers',
  isOnlyWhenNamed: true,
  async measure(bench) {
    const findings: Finding[] = []
    for (const comparison of [await ofHotUpdater(), await ofCodePush()]) {
      if (!bench.wantsClient(comparison.protocol.name)) continue
      const opened = await openAll(bench, comparison)
      const contenders = opened.flatMap((each) => ('contenders' in each ? each.contenders : []))
      findings.push(...(await compareContenders(bench, comparison.protocol, contenders)))
      for (const { end } of contenders) await end()
      findings.push(...opened.flatMap((each) => ('missing' in each ? [notRun(each)] : [])))
    }
    return findings
  },
}

async function ofHotUpdater(): Promise<Comparison> {
  return {
    protocol: await hotUpdaterProtocol(),
    hotPatch: async (_, app) => `/hot-updater/${app}`,
    peers: [
      { name: 'hot-updater in memory', open: async (protocol) => [await hotUpdaterInMemory(protocol)] },
      { name: 'hot-updater on PostgreSQL', open: async (protocol) => [await hotUpdaterOnPostgres(protocol)] },
    ],
  }
}

/** As long as those of code-push-server. */
const DEPLOYMENT_KEY = 'bench-deployment-of-thirty-seven-char'

async function ofCodePush(): Promise<Comparison> {
  return {
    protocol: await codePushProtocol(),
    hotPatch: async (api, app) => {
      const key = { channel: 'production', platform: 'android', key: DEPLOYMENT_KEY } as const
      return (await api.createChannelKey(app, key)).key
    },
    peers: [{ name: 'code-push-server', open: codePushServers }],
  }
}

async function openAll(bench: Bench, { protocol, hotPatch, peers }: Comparison): Promise<Opened[]> {
  const ours = [
    { name: 'HotPatch on SQLite', open: async () => [await hotPatchOnSqlite(protocol, hotPatch)] },
    { name: 'HotPatch on PostgreSQL', open: async () => [await hotPatchOnPostgres(protocol, hotPatch)] },
  ]
  const opened: Opened[] = []
  for (const { name, open } of [...ours, ...peers]) {
    const startedAt = performance.now()
    opened.push(await openOrSay(name, open(protocol)))
    bench.say(`  ${name}: opened in ${Math.round((performance.now() - startedAt) / 1000)} s`)
  }
  return opened
}

async function openOrSay(name: string, opening: Promise<readonly Contender[]>): Promise<Opened> {
  try {
    return { contenders: await opening }
  } catch (error) {
    if (!(error instanceof NotHere)) throw error
    return { missing: name, why: error.message }
  }
}

function notRun({ missing, why }: { missing: string; why: string }): Finding {
  return { what: missing, value: undefined, unit: '', note: `not run: ${why}` }
}
