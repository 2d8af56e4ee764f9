import { Command, Help } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { compareForHelp } from './arguments/shared-options.ts'
import { addAdoptionCommand } from './commands/adoption.ts'
import { addAppcastCommands } from './commands/appcasts.ts'
import { addAppCommands } from './commands/apps.ts'
import { addAuditCommand } from './commands/audit.ts'
import { addBinaryCommands } from './commands/binaries.ts'
import { addBundleCommand } from './commands/bundle.ts'
import { addChannelCommands } from './commands/channels.ts'
import { addCohortCommands } from './commands/cohorts.ts'
import { addExperimentCommands } from './commands/experiments.ts'
import { addDeviceCommands } from './commands/devices.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEventsCommand } from './commands/events.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addExpoCommands } from './commands/expo.ts'
import { addImportCommands } from './commands/import.ts'
import { addInstallPageCommands } from './commands/install-pages.ts'
import { addInitCommand } from './commands/init.ts'
import { addEdgeCommands } from './commands/edge.ts'
import { addEncryptionKeyCommands } from './commands/encryption-keys.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addKitCommands } from './commands/kit.ts'
import { addLoginCommands } from './commands/login.ts'
import { addNativeCommands } from './commands/native.ts'
import { addPatchCommands } from './commands/patches.ts'
import { addPeopleCommands } from './commands/people.ts'
import { addPromoteCommand } from './commands/promote.ts'
import { addReleaseCommand } from './commands/release.ts'
import { addReleasesCommands } from './commands/releases.ts'
import { addRollbackCommand } from './commands/rollback.ts'
import { addRolloutCommands } from './commands/rollouts.ts'
import { addServerDataCommands } from './commands/server-data.ts'
import { addSignatureCommands } from './commands/signatures.ts'
import { addSimulateCommand } from './commands/simulate.ts'
import { addSingleSignOnCommands } from './commands/single-sign-on.ts'
import { addStatsCommand } from './commands/stats.ts'
import { addSymbolicateCommand } from './commands/symbolicate.ts'
import { addProposalCommands } from './commands/proposals.ts'
import { addTokenCommands } from './commands/tokens.ts'
import { addTrustCommands } from './commands/trust.ts'
import { addTrustRuleCommands } from './commands/trust-rules.ts'
import { addUpdateCommands } from './commands/updates.ts'
import { addVariantCommands } from './commands/variants.ts'
import { addWebhookCommands } from './commands/webhooks.ts'
import type { CliContext } from './process/context.ts'
import { drawingOn } from './output/charts.ts'

const MIN_DESCRIPTION_WIDTH = 20

const GROUPS = {
  'To begin with:': [
    addLoginCommands,
    addInitCommand,
    addAppCommands,
    addExpoCommands,
    addImportCommands,
    addChannelCommands,
    addInstallPageCommands,
    addKeyCommands,
    addEdgeCommands,
    addEncryptionKeyCommands,
    addTrustCommands,
    addDoctorCommand,
  ],
  'To publish:': [
    addReleaseCommand,
    addBinaryCommands,
    addReleasesCommands,
    addPromoteCommand,
    addRolloutCommands,
    addRollbackCommand,
    addUpdateCommands,
    addKitCommands,
    addCohortCommands,
    addExperimentCommands,
    addBundleCommand,
    addVariantCommands,
    addPatchCommands,
    addSignatureCommands,
    addAppcastCommands,
    addNativeCommands,
  ],
  'To see what became of it:': [
    addExplainCommand,
    addDeviceCommands,
    addStatsCommand,
    addAdoptionCommand,
    addEventsCommand,
    addSymbolicateCommand,
    addWebhookCommands,
  ],
  'To run it:': [
    addPeopleCommands,
    addProposalCommands,
    addTokenCommands,
    addTrustRuleCommands,
    addSingleSignOnCommands,
    addAuditCommand,
    addServerDataCommands,
    addSimulateCommand,
  ],
}

export function createProgram(context: CliContext): Command {
  const program = new Command(context.programName)
    .description('Ships updates to installed apps, and shows what became of them.')
    .version(packageJson.version)
    // `release --version 1.2.0` is an option of release, not a question for the tool's own version.
    .enablePositionalOptions()
    .configureHelp({
      visibleOptions: (command) => new Help().visibleOptions(command).sort(compareForHelp),
      // Else descriptions beside long terms run over the edge, and are broken there in the middle of a word.
      minWidthToWrap: MIN_DESCRIPTION_WIDTH,
    })
    .exitOverride()
    .configureOutput({
      getOutHelpWidth: () => drawingOn(context.stdout, context.env).width,
      getErrHelpWidth: () => drawingOn(context.stderr, context.env).width,
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // main prints every error, in the form that was asked for.
      outputError: () => {},
    })
  for (const [heading, group] of Object.entries(GROUPS)) {
    program.commandsGroup(heading)
    for (const add of group) add(program, context)
  }
  return program
}
