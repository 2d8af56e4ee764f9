import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { runShell } from './run-shell.ts'

interface Template {
  spec: { inputs: Record<string, { default?: string }> }
}

interface Job {
  image: string
  id_tokens: Record<string, { aud: string }>
  variables: Record<string, string>
  before_script: string[]
}

export interface GitLabJob {
  inputs: Record<string, string>
  /** What the including file's job has beside what it extends. */
  script: readonly string[]
  env: Record<string, string>
  workspace: string
  temporary: string
  /** Signs the job's identity for an audience. */
  sign: (audience: string) => Promise<string>
}

/** Runs a job that extends `.hotpatch` as GitLab's runner does: inputs at include, identity by variable, one script. */
export async function runGitLabJob(file: string, given: GitLabJob): Promise<{ code: number; log: string }> {
  const { image, id_tokens: identities, variables, before_script: before } = await includeTemplate(file, given.inputs)
  if (!image.includes('node')) throw new Error(`The image is ${image}.`)
  const signed = await Promise.all(
    Object.entries(identities).map(async ([name, { aud }]) => [name, await given.sign(aud)] as const),
  )
  const script = join(given.temporary, 'job.sh')
  await writeFile(script, ['set -e', ...before, ...given.script, ''].join('\n'))
  // Not every image has bash.
  return runShell({
    command: 'sh',
    args: [script],
    cwd: given.workspace,
    env: { ...given.env, GITLAB_CI: 'true', ...variables, ...Object.fromEntries(signed) },
  })
}

async function includeTemplate(file: string, inputs: Record<string, string>): Promise<Job> {
  const source = await readFile(file, 'utf8')
  const [header, ...more] = parseAllDocuments(source)
  if (!header) throw new Error('The template is empty.')
  const { spec } = header.toJS() as Template
  const unknown = Object.keys(inputs).find((name) => !(name in spec.inputs))
  if (unknown !== undefined || more.length !== 1) throw new Error(`The template has no input ${unknown}.`)
  const filled = source
    .slice(source.indexOf('\n---\n'))
    .replace(/\$\[\[\s*inputs\.(\w+)\s*\]\]/g, (_all, name: string) => {
      const value = inputs[name] ?? spec.inputs[name]?.default
      if (value === undefined) throw new Error(`The input ${name} is missing.`)
      return JSON.stringify(value)
    })
  const [, job] = parseAllDocuments(filled)
  const jobs = ((job ?? parseAllDocuments(filled)[0])?.toJS() ?? {}) as Record<string, Job>
  const found = jobs['.hotpatch']
  if (!found) throw new Error('The template has no job ".hotpatch".')
  return found
}
