#!/usr/bin/env node
import { runLauncher } from '../src/launcher/launcher.ts'

process.exitCode = await runLauncher(process.argv.slice(2), {
  environment: process.env,
  complain: (text) => process.stderr.write(`${text}\n`),
})
