import type { Command } from 'commander'
import type { CliContext } from '../process/context.ts'
import { addKitPublishCommands } from './kit-publish.ts'
import { addKitScheduleCommand } from './kit-schedule.ts'

/** Several components, one release: on the machine that has them, and where they are published. */
export function addKitCommands(program: Command, context: CliContext) {
  const kit = program.command('kit').description('several components that are updated together, or not at all')
  addKitPublishCommands(kit, context)
  addKitScheduleCommand(kit, context)
}
