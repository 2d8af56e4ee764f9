import { readFile } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import type { LinkedAnswer } from '../storage-driver.ts'
import { StorageSetupError } from '../storage-error.ts'
import type { S3Client } from './s3-client.ts'
import type { S3Downloads } from './s3-config.ts'

/** Where devices read an object themselves; undefined where the server must send it. */
type LinkTo = (name: string, answer?: LinkedAnswer) => Promise<URL | undefined>

export async function createLinks({
  s3,
  downloads,
  clock,
}: {
  s3: Pick<S3Client, 'presign' | 'skewMs'>
  downloads: S3Downloads
  clock: Clock
}): Promise<{ linkTo: LinkTo }> {
  switch (downloads.kind) {
    case 'server':
      return { linkTo: () => Promise.resolve(undefined) }
    case 'presigned':
      return { linkTo: (name, answer) => s3.presign(name, downloads.linkSeconds, answer?.headers ?? {}) }
    case 'cdn':
      return { linkTo: async (name, answer) => (answer?.mustHaveHeaders ? undefined : addressOf(downloads.url, name)) }
    case 'cloudfront': {
      const { url, keyPairId, privateKeyFile, linkSeconds } = downloads
      const privateKey = await readPrivateKey(privateKeyFile)
      const { getSignedUrl } = await import('@aws-sdk/cloudfront-signer')
      const linkTo: LinkTo = async (name, answer) => {
        if (answer?.mustHaveHeaders) return undefined
        const dateLessThan = new Date(clock.now() + s3.skewMs() + linkSeconds * 1000)
        const signed = getSignedUrl({ url: addressOf(url, name).href, keyPairId, privateKey, dateLessThan })
        return new URL(signed)
      }
      // A key that cannot sign is told now, and not by the first device.
      await tryToSign(linkTo, privateKeyFile)
      return { linkTo }
    }
  }
}

function addressOf(url: string, name: string): URL {
  return new URL(`${url}/${name.split('/').map(encodeURIComponent).join('/')}`)
}

function readPrivateKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new StorageSetupError(
      `Expected the private key of CloudFront links in the file "${file}", found ${error.code ?? 'nothing'}. Correct S3_CLOUDFRONT_PRIVATE_KEY_FILE.`,
    )
  })
}

async function tryToSign(linkTo: LinkTo, file: string): Promise<void> {
  try {
    await linkTo('try')
  } catch {
    // What is wrong with a key is not repeated: the text may hold a part of it.
    throw new StorageSetupError(
      `Expected an RSA private key in PEM in "${file}" (S3_CLOUDFRONT_PRIVATE_KEY_FILE), found what cannot sign. ` +
        'Take the private key whose public key is in the key group of the distribution.',
    )
  }
}
