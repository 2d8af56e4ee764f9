import { tmpdir } from 'node:os'
import { run } from './command.ts'

/** Says so and ends with 77, as a skipped test does, where a tool is missing. */
export async function needTools(): Promise<void> {
  const asked = {
    javac: ['-version'],
    java: ['-version'],
    mvn: ['-v'],
    tar: ['--version'],
    unzip: ['-v'],
    openssl: ['version'],
  }
  for (const [tool, args] of Object.entries(asked)) {
    const isThere = await run(tool, args, tmpdir()).then(
      () => true,
      () => false,
    )
    if (isThere) continue
    console.log(`Skipped: there is no ${tool} here. This takes a JDK of 17 or later, Maven, tar, unzip and OpenSSL.`)
    process.exit(77)
  }
}
