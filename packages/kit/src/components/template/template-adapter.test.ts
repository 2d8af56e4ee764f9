import { expect, test } from 'vitest'
import { createLossyDisk } from '../../testing/lossy-disk.ts'
import { describeComponentAdapter, layFiles, workOn, type ComponentCase } from '../testing/component-suite.ts'
import { templateAdapter } from './template-adapter.ts'

const of: ComponentCase = {
  adapter: templateAdapter,
  place: { path: 'edge/site.conf' },
  installation: { variables: { SITE: 'home.example.com' } },
  artifact: { format: 'raw', bytes: Buffer.from('server_name ${SITE}; set $v ${host}; # ${HOTPATCH_KIT_VERSION}\n') },
  before: {
    nothing: { lay: async () => undefined },
    'an old one': { lay: (disk) => layFiles(disk, { 'edge/site.conf': 'old settings' }) },
  },
  expectNew(seen) {
    expect(seen.get('edge/site.conf')).toMatch(/^\d+ server_name home\.example\.com; set \$v \$\{host\}; # 2\.0\.0\n$/)
  },
}

describeComponentAdapter('template', of)

async function prepared(variables: Record<string, string>, more: Partial<ComponentCase> = {}) {
  const disk = createLossyDisk()
  const case_ = { ...of, ...more, installation: { variables } }
  const work = workOn(case_, disk)
  await disk.makeDirectory('.kit/artifacts')
  await disk.write(work.artifactPath ?? '', case_.artifact?.bytes ?? new Uint8Array())
  return { disk, work, result: templateAdapter.prepare(work) }
}

test.each(['a"b', "a'b", 'a`b', 'a;b', 'a{b', 'a}b', 'a\\b', 'a\nb', '$host', 'a #b', '<a>'])(
  'a value that would end its place is refused, and not shown: %s',
  async (value) => {
    const { result } = await prepared({ SITE: `secret${value}` })
    await expect(result).rejects.toMatchObject({
      code: 'template-invalid',
      message: expect.not.stringContaining('secret'),
    })
  },
)

test('every variable that is missing is named', async () => {
  const bytes = Buffer.from('${A} ${B} ${A}')
  const { result } = await prepared({}, { artifact: { format: 'raw', bytes } })
  await expect(result).rejects.toMatchObject({
    code: 'template-invalid',
    message: expect.stringContaining('needs A, B: '),
  })
})

test('settings that its check refuses never come to their place, and a reload that fails brings the old back', async () => {
  const hook = (name: string) => ({ run: [name] as [string], timeoutMs: 1 })
  const log: string[] = []
  const failing = (name: string): Partial<ComponentCase> => ({
    place: { path: 'edge/site.conf', validate: hook('validate'), reload: hook('reload') },
    hooks: () => ({
      async run({ run: [program] }) {
        log.push(program)
        return { exitCode: program === name && log.length < 3 ? 1 : 0, output: 'line 3' }
      },
    }),
  })
  const refused = await prepared({ SITE: 'a' }, failing('validate'))
  await expect(refused.result).rejects.toMatchObject({
    code: 'template-invalid',
    message: expect.stringContaining('line 3'),
  })
  log.length = 0
  const { disk, work, result } = await prepared({ SITE: 'a' }, failing('reload'))
  await result
  await layFiles(disk, { 'edge/site.conf': 'old settings' })
  await disk.remove('.kit/transactions')
  await templateAdapter.prepare(work)
  log.splice(0, log.length, 'validate')
  await expect(templateAdapter.apply(work)).rejects.toMatchObject({ code: 'service-failed' })
  await templateAdapter.revert(work)
  expect(Buffer.from((await disk.read('edge/site.conf')) ?? []).toString()).toBe('old settings')
  expect(log).toEqual(['validate', 'reload', 'reload'])
})
