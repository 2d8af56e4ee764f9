// Whether the server of this container answers. It does also while its database does not, when checks go on from memory:
// then nothing is won by starting it anew. Whether it is ready says /readyz.
const { PORT = '8080' } = process.env
try {
  const answer = await fetch(`http://127.0.0.1:${PORT || '8080'}/healthz`, { signal: AbortSignal.timeout(4000) })
  process.exitCode = answer.ok ? 0 : 1
} catch (error) {
  process.stderr.write(`The server does not answer: ${error.cause?.message ?? error.message}\n`)
  process.exitCode = 1
}
