// npm run deploy:lint: the Helm chart, looked at by Helm itself, and what it renders by the schemas of Kubernetes; and the files of
// Terraform, by the formatter of their language. Takes Go; the programs are built once, which takes minutes, and kept in the
// system's folder for temporary files.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitWith, root, run } from './lib/child.mjs'

const CHART = join(root, 'deploy', 'helm', 'hotpatch')
const TERRAFORM = join(root, 'deploy', 'terraform')
const FOLDER = join(tmpdir(), 'hotpatch-chart')
/** Helm that is built so takes itself to be of an old one. */
const KUBERNETES = '1.30.0'
const PROGRAMS = {
  helm: 'helm.sh/helm/v3/cmd/helm@v3.22.0',
  hclfmt: 'github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.25.0',
  'kubectl-validate': 'sigs.k8s.io/kubectl-validate@v0.0.4',
}

await exitWith(async () => {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, module] of Object.entries(PROGRAMS)) {
    if (existsSync(join(FOLDER, name))) continue
    console.log(`Building ${module}, once.`)
    const env = { ...process.env, GOBIN: FOLDER, CGO_ENABLED: '0' }
    const code = await run('go', ['install', '-ldflags=-s -w', module], { env, cwd: FOLDER })
    if (code !== 0) return code
  }
  const formatted = checkFormat()
  if (formatted !== 0) return formatted
  const helm = join(FOLDER, 'helm')
  for (const file of readdirSync(join(CHART, 'ci'))) {
    const values = ['--values', join(CHART, 'ci', file)]
    const code = await run(helm, ['lint', '--strict', CHART, ...values])
    if (code !== 0) return code
    const { status, stdout, stderr } = spawnSync(
      helm,
      ['template', 'hotpatch', CHART, '--kube-version', KUBERNETES, ...values],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`helm template, with ${file}: ${stderr}`)
    const valid = await validate(stdout)
    if (valid !== 0) return valid
  }
  return 0
})

function checkFormat() {
  const files = readdirSync(TERRAFORM, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tf'))
  const others = files.filter((file) => {
    const input = readFileSync(join(TERRAFORM, file), 'utf8')
    const { status, stdout, stderr } = spawnSync(join(FOLDER, 'hclfmt'), { input, encoding: 'utf8' })
    if (status !== 0) throw new Error(`hclfmt, with ${file}: ${stderr}`)
    return stdout !== input
  })
  for (const file of others) console.error(`${join(TERRAFORM, file)} is not written as terraform fmt writes it.`)
  return others.length === 0 ? 0 : 1
}

/** What is defined elsewhere, the ServiceMonitor of Prometheus' operator, is not among its schemas. */
async function validate(rendered) {
  const manifests = rendered
    .split(/^---$/m)
    .filter((text) => /^kind:/m.test(text) && !text.includes('monitoring.coreos.com'))
  const folder = join(FOLDER, `rendered-${process.pid}`)
  mkdirSync(folder)
  try {
    for (const [index, text] of manifests.entries()) writeFileSync(join(folder, `${index}.yaml`), text)
    return await run(join(FOLDER, 'kubectl-validate'), [folder, '--version', KUBERNETES.replace(/\.0$/, '')])
  } finally {
    rmSync(folder, { recursive: true })
  }
}
