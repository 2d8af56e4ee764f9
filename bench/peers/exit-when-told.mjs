// Preloaded: a process that a signal ends does not write its compile cache.
process.once('SIGTERM', () => process.exit())
