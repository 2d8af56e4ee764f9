import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { runShell } from './run-shell.ts'

interface Step {
  name: string
  id?: string
  shell: string
  run: string
  env?: Record<string, string>
  'working-directory'?: string
}

interface Action {
  inputs: Record<string, { required?: boolean; default?: string }>
  runs: { using: string; steps: Step[] }
}

/** How a job is run: what its workflow gives the action, and what the runner gives each step. */
export interface GitHubJob {
  inputs: Record<string, string>
  env: Record<string, string>
  workspace: string
  temporary: string
}

/** Runs a composite action as GitHub's runner does: expressions first, each step in a shell of its own, outputs by a file. */
export async function runGitHubAction(file: string, job: GitHubJob): Promise<{ code: number; log: string }> {
  const { inputs, runs } = parse(await readFile(file, 'utf8')) as Action
  if (runs.using !== 'composite') throw new Error(`The action is ${runs.using}.`)
  const values = new Map<string, string>()
  for (const [name, { required = false, default: initially = '' }] of Object.entries(inputs)) {
    if (required && job.inputs[name] === undefined) throw new Error(`The input ${name} is missing.`)
    values.set(`inputs.${name}`, job.inputs[name] ?? initially)
  }
  const unknown = Object.keys(job.inputs).find((name) => !(name in inputs))
  if (unknown !== undefined) throw new Error(`The action has no input ${unknown}.`)

  const masks = new Set<string>()
  let log = ''
  for (const [position, step] of runs.steps.entries()) {
    const result = await runStep(step, position, job, values)
    for (const [, secret = ''] of result.log.matchAll(/^::add-mask::(.*)$/gm)) masks.add(secret)
    log += withoutMasked(result.log, masks)
    if (result.code !== 0) return { code: result.code, log }
  }
  return { code: 0, log }
}

async function runStep(step: Step, position: number, job: GitHubJob, values: Map<string, string>) {
  if (step.shell !== 'bash') throw new Error(`The step "${step.name}" wants the shell ${step.shell}.`)
  // The runner would put it into the script: whoever chooses the value would choose the commands.
  if (step.run.includes('${{')) throw new Error(`The script of "${step.name}" has an expression in it.`)
  await mkdir(job.temporary, { recursive: true })
  const script = join(job.temporary, `step-${position}.sh`)
  const output = join(job.temporary, `output-${position}`)
  await writeFile(script, step.run)
  await writeFile(output, '')
  const env = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, evaluate(value, values)]))
  const result = await runShell({
    command: 'bash',
    args: ['--noprofile', '--norc', '-eo', 'pipefail', script],
    cwd: join(job.workspace, evaluate(step['working-directory'] ?? '.', values)),
    env: { ...job.env, GITHUB_ACTIONS: 'true', RUNNER_TEMP: job.temporary, GITHUB_OUTPUT: output, ...env },
  })
  for (const line of (await readFile(output, 'utf8')).split('\n').filter(Boolean)) {
    const at = line.indexOf('=')
    values.set(`steps.${step.id}.outputs.${line.slice(0, at)}`, line.slice(at + 1))
  }
  return result
}

function evaluate(text: string, values: Map<string, string>): string {
  return text.replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_all, expression: string) => {
    const value = values.get(expression)
    if (value !== undefined) return value
    throw new Error(`This runner does not know the expression ${expression}.`)
  })
}

/** Of a line that adds a mask the runner prints nothing. */
function withoutMasked(log: string, masks: ReadonlySet<string>): string {
  const lines = log.split('\n').filter((line) => !line.startsWith('::add-mask::'))
  return [...masks].reduce((text, secret) => text.replaceAll(secret, '***'), lines.join('\n'))
}
