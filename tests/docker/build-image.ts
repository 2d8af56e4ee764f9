import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { join, posix, resolve } from 'node:path'
import { baseRoot, copyOfBase } from './base-root.ts'
import { copySources, readIgnored } from './copy-context.ts'
import { readDockerfile, type Image, type Stage, type Step } from './read-dockerfile.ts'
import { runInRoot } from './run-in-root.ts'

export interface BuiltImage extends Image {
  root: string
}

interface Building {
  root: string
  workdir: string
  user: string
  env: Record<string, string>
}

/** Carries out a Dockerfile, line by line, in folders that stand for its stages. The last one is the image. */
export async function buildImage(options: {
  dockerfile: string
  context: string
  /** Where stages are laid. */
  folder: string
  /** The Node of the base image. */
  node: string
  /** What the machine keeps for builds: by where it is in the stage. */
  caches: Readonly<Record<string, string>>
}): Promise<BuiltImage> {
  const { dockerfile, context, folder, node } = options
  const roots = new Map<string, string>()
  const isIgnored = await readIgnored(context)
  let built: BuiltImage | undefined
  for (const stage of readDockerfile(await readFile(dockerfile, 'utf8'))) {
    const root = join(await mkdtemp(join(folder, 'stage-')), 'root')
    await copyOfBase(await baseRoot(stage.base, node), root, node)
    const building: Building = { root, workdir: '/', user: '0:0', env: {} }
    for (const step of stage.steps) await carryOut(step, building, { ...options, roots, isIgnored })
    if (stage.name !== undefined) roots.set(stage.name, root)
    built = imageOf(stage, building)
  }
  if (!built) throw new Error(`${dockerfile} has no stage.`)
  return built
}

function imageOf({ image }: Stage, { root, workdir, user, env }: Building): BuiltImage {
  return { ...image, root, workdir, user, env }
}

async function carryOut(
  step: Step,
  building: Building,
  {
    context,
    caches,
    roots,
    isIgnored,
  }: {
    context: string
    caches: Readonly<Record<string, string>>
    roots: ReadonlyMap<string, string>
    isIgnored: (path: string) => boolean
  },
): Promise<void> {
  const { root, workdir } = building
  const within = (path: string) => join(root, posix.resolve(workdir, path), path.endsWith('/') ? '/' : '')
  switch (step.kind) {
    case 'workdir':
      building.workdir = posix.resolve(workdir, step.path)
      await mkdir(join(root, building.workdir), { recursive: true })
      return
    case 'env':
      building.env[step.name] = step.value
      return
    case 'user':
      if (!/^\d+:\d+$/.test(step.user))
        throw new Error(`USER ${step.user}: expected numbers, which mean the same everywhere.`)
      building.user = step.user
      return
    case 'copy':
      if (step.from === undefined)
        return copySources(step.sources, { from: context, to: within(step.target), isIgnored })
      return copySources(step.sources, {
        from: roots.get(step.from) ?? unknownStage(step.from),
        to: within(step.target),
      })
    case 'run': {
      const binds = Object.fromEntries(step.caches.map((path) => [path, caches[path] ?? unknownCache(path)]))
      const command = ['/bin/sh', '-c', step.command]
      // As docker has it for root; and what this machine's network takes.
      const env = { HOME: '/root', NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/of-this-machine.crt', ...building.env }
      await runInRoot({ ...building, command, env, binds })
    }
  }
}

function unknownStage(name: string): never {
  throw new Error(`COPY --from=${name}: there is no stage of that name before.`)
}

function unknownCache(path: string): never {
  throw new Error(`RUN --mount: nothing is kept for ${resolve(path)} here.`)
}
