import { DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast'

/** One line of a Dockerfile, as it is carried out. */
export type Step =
  | { kind: 'workdir'; path: string }
  | { kind: 'env'; name: string; value: string }
  | { kind: 'copy'; from: string | undefined; sources: string[]; target: string }
  | { kind: 'run'; command: string; caches: string[] }
  | { kind: 'user'; user: string }

/** What is only remembered until a container is made of the image. */
export interface Image {
  user: string
  env: Record<string, string>
  workdir: string
  volumes: string[]
  ports: string[]
  stopSignal: string
  entrypoint: string[]
  healthcheck: string[]
}

export interface Stage {
  base: string
  name: string | undefined
  steps: Step[]
  image: Omit<Image, 'env' | 'workdir' | 'user'>
}

/** @throws on every instruction and flag that it does not know: what is not carried out would not be known to work */
export function readDockerfile(text: string): Stage[] {
  const stages: Stage[] = []
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword()
    if (keyword === 'FROM') stages.push(stageOf(instruction))
    else read(instruction, keyword, stages.at(-1) ?? refuse(instruction, 'expected FROM before it'))
  }
  return stages
}

function stageOf(instruction: Instruction): Stage {
  const [base = '', as, name] = wordsOf(instruction)
  if (as !== undefined && as.toUpperCase() !== 'AS') refuse(instruction, 'expected AS and a name')
  return {
    base,
    name,
    steps: [],
    image: { volumes: [], ports: [], stopSignal: 'SIGTERM', entrypoint: [], healthcheck: [] },
  }
}

function read(instruction: Instruction, keyword: string, { steps, image }: Stage): void {
  const words = wordsOf(instruction)
  const [first = ''] = words
  switch (keyword) {
    case 'WORKDIR':
      return void steps.push({ kind: 'workdir', path: first })
    case 'ENV': {
      const [, name = '', value = ''] =
        /^([A-Z_]+)=(\S+)$/.exec(words.join(' ')) ?? refuse(instruction, 'expected NAME=value')
      return void steps.push({ kind: 'env', name, value })
    }
    case 'COPY': {
      const flags = flagsOf(instruction)
      const { from, ...others } = flags
      if (Object.keys(others).length > 0) refuse(instruction, `unknown flags ${Object.keys(others).join(', ')}`)
      return void steps.push({ kind: 'copy', from, sources: words.slice(0, -1), target: words.at(-1) ?? '' })
    }
    case 'RUN': {
      const { mount, ...others } = flagsOf(instruction)
      if (Object.keys(others).length > 0) refuse(instruction, `unknown flags ${Object.keys(others).join(', ')}`)
      const cache = mount === undefined ? undefined : /^type=cache,target=(\/[^,]+)$/.exec(mount)?.[1]
      if (mount !== undefined && cache === undefined) refuse(instruction, 'expected --mount=type=cache,target=…')
      return void steps.push({
        kind: 'run',
        command: shellFormOf(instruction),
        caches: cache === undefined ? [] : [cache],
      })
    }
    case 'USER':
      return void steps.push({ kind: 'user', user: first })
    case 'VOLUME':
      return void image.volumes.push(...words)
    case 'EXPOSE':
      return void image.ports.push(...words)
    case 'STOPSIGNAL':
      image.stopSignal = first
      return
    case 'ENTRYPOINT':
      image.entrypoint = execFormOf(instruction)
      return
    case 'HEALTHCHECK':
      image.healthcheck = execFormOf(instruction)
      return
    default:
      refuse(instruction, 'this instruction is not known to what carries them out')
  }
}

function wordsOf(instruction: Instruction): string[] {
  return instruction
    .getArguments()
    .map((argument) => argument.getValue())
    .filter((word) => !word.startsWith('--'))
}

function flagsOf(instruction: Instruction): Record<string, string> {
  const flags = (instruction as JSONInstruction).getFlags()
  return Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? '']))
}

/** Without the flags before it. */
function shellFormOf(instruction: Instruction): string {
  const command = (instruction.getRawArgumentsContent() ?? '').replace(/^(?:--\S+\s+)*/, '')
  return command.startsWith('[') ? refuse(instruction, 'expected a command for the shell') : command
}

/** Without a shell: ["program", "argument"]. */
function execFormOf(instruction: Instruction): string[] {
  const text = /\[.*\]/s.exec(instruction.getRawArgumentsContent() ?? '')?.[0]
  if (text === undefined) return refuse(instruction, 'expected ["program", "argument"]')
  return JSON.parse(text) as string[]
}

function refuse(instruction: Instruction, why: string): never {
  throw new Error(`Dockerfile, line ${instruction.getRange().start.line + 1}, ${instruction.getKeyword()}: ${why}.`)
}
