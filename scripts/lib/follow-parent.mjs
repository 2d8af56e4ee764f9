// Preloaded into what the scripts start. It has its own process group (see child.mjs), so a SIGKILL that takes the
// launcher's whole group would leave it behind, holding its port: it goes the same way.
import { isMainThread } from 'node:worker_threads'

const parent = process.ppid

function follow() {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}

if (isMainThread) setInterval(follow, 500).unref()
