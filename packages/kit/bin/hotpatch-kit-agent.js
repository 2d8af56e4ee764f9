#!/usr/bin/env node
import { once } from 'node:events'
import { runAgent } from '../src/status/agent.ts'

process.exitCode = await runAgent(process.argv.slice(2), {
  environment: process.env,
  say: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
  told: Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal))),
})
