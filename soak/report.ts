import type { CampaignResult } from './campaign.ts'
import type { SoakOptions } from './options.ts'

export interface Machine {
  cores: number
  system: string
  node: string
}

export interface SoakReport {
  at: string
  options: SoakOptions
  machine: Machine
  results: readonly CampaignResult[]
}

/** For people: what was done, what was counted, and what did not hold. */
export function renderReport({ at, options, machine, results }: SoakReport): string {
  const { seed, minutes, kills, devices } = options
  const asked = `Seed \`${seed}\`, ${minutes} minutes and ${kills} kills for each database, ${devices} devices.`
  const on = `${machine.cores} cores, ${machine.system}, Node ${machine.node}.`
  return [`# Soak of ${at}`, asked, on, ...results.flatMap(renderResult)].join('\n\n') + '\n'
}

function renderResult(result: CampaignResult): string[] {
  const { database, storage, servers, seconds, planned, struck, skipped } = result
  const what = `${servers} ${servers === 1 ? 'server' : 'servers'} on ${database}, artifacts ${storage === 'disk' ? 'on the disk' : 'in a bucket'}`
  return [
    `## ${what}`,
    `${seconds} seconds; ${struck.length} of ${planned} faults that were planned.`,
    table(['fault', 'times', 'in the middle of', 'longest until all was back, ms'], strikes(result)),
    ...skipped.map(({ fault, why }) => `Not done: ${fault}: ${why}.`),
    table(
      ['what must hold', 'looked', 'broken'],
      result.invariants.map(({ means, looked, broken }) => [means, looked, broken === 0 ? '0' : `**${broken}**`]),
    ),
    table(['counted', ''], Object.entries(result.counts)),
    table(['the most', ''], Object.entries(result.highest)),
    ...(result.growth.length > 0
      ? [
          table(
            ['server', 'what', 'first third', 'last third'],
            result.growth.map(({ server, what, first, last }) => [server, what, first, last]),
          ),
        ]
      : []),
    ...(Object.keys(result.logged).length > 0
      ? [table(['logged as an error', 'times'], Object.entries(result.logged))]
      : []),
    ...result.breaches.map(({ invariant, atSeconds, detail }) => `- **${invariant}** at ${atSeconds} s: ${detail}`),
  ]
}

function strikes({ struck }: CampaignResult): (string | number)[][] {
  const kinds = [...new Set(struck.map(({ kind }) => kind))].toSorted()
  return kinds.map((kind) => {
    const all = struck.filter((strike) => strike.kind === kind)
    const moments = [...new Set(all.filter(({ isInMoment }) => isInMoment).map(({ moment }) => moment))].toSorted()
    const counted = moments.map((moment) => {
      return `${moment} ${all.filter((strike) => strike.isInMoment && strike.moment === moment).length}`
    })
    return [kind, all.length, counted.join(', '), Math.max(...all.map(({ backAfterMs }) => backAfterMs))]
  })
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
