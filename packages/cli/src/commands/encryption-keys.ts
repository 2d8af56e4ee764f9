import type { Command } from 'commander'
import { withJson, withYes, type JsonOptions } from '../arguments/shared-options.ts'
import {
  encryptionKeyPath,
  generateEncryptionKey,
  readEncryptionKey,
  type EncryptionKeyPair,
} from '../encryption/encryption-key.ts'
import { createOutput } from '../output/output.ts'
import type { CliContext } from '../process/context.ts'

interface KeyFileOptions extends JsonOptions {
  key?: string
}

/** Encryption §1: keys of which the public half is with who publishes, and the private one in the app's binary. */
export function addEncryptionKeyCommands(program: Command, context: CliContext) {
  const keys = program.command('encryption-keys').description('keys for which releases are encrypted')
  const withKey = (command: Command) => command.option('--key <file>', '~/.rn-ota/encryption_key.pem when absent')

  withJson(withKey(withYes(keys.command('generate'))))
    .description('makes a key for a binary of your app; never overwrites one')
    .action(async (options: KeyFileOptions) => {
      const path = encryptionKeyPath(context, options.key)
      print(context, options, await generateEncryptionKey(path, context.programName))
    })

  withJson(withKey(keys.command('show')))
    .description('shows the public half, which goes into hotpatch.json, and its id')
    .action(async (options: KeyFileOptions) => {
      print(context, options, await readEncryptionKey(encryptionKeyPath(context, options.key)))
    })

  withKey(keys.command('private'))
    .description("prints the private half, a secret: as the app's binary takes it")
    .action(async (options: KeyFileOptions) => {
      const { privateKey } = await readEncryptionKey(encryptionKeyPath(context, options.key))
      createOutput(context, false).line(Buffer.from(privateKey()).toString('base64'))
    })
}

function print(context: CliContext, { json = false }: JsonOptions, { path, keyId, publicKey }: EncryptionKeyPair) {
  const output = createOutput(context, json)
  const facts = { path, publicKey, id: keyId }
  output.result(facts, () => output.fields(facts))
}
