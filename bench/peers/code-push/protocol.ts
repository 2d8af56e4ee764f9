import { fieldsOf, firstDifference, type ClientProtocol } from '../client-protocol.ts'
import { BINARY_VERSION, makeReleases, sha256Of, type PeerRelease } from '../releases.ts'

const FOLDER = 'CodePush'

/** The protocol of CodePush's SDKs, docs/protocol/19-code-push.md. */
export async function codePushProtocol(): Promise<ClientProtocol> {
  const releases = await makeReleases((files) =>
    Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${FOLDER}/${path}`, bytes])),
  )
  const hashes = new Map(releases.map((release) => [release, packageHashOf(release)]))
  const newest = releases.at(-1)
  return {
    name: "CodePush's clients",
    releases,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'x-codepush-plugin-name': 'react-native-code-push',
      'x-codepush-plugin-version': '9.0.1',
      'x-codepush-sdk-version': '4.2.3',
    },
    pathOf: ({ id, running }, deploymentKey) => {
      const told = `deployment_key=${deploymentKey}&app_version=${BINARY_VERSION}`
      const has =
        running.kind === 'embedded'
          ? ''
          : `&package_hash=${hashes.get(running.release)}&is_companion=false&label=v${running.release.number}`
      return `/v0.1/public/codepush/update_check?${told}${has}&client_unique_id=${id}`
    },
    judge(answer, { running }) {
      const told = fieldsOf(fieldsOf(answer).update_info)
      if (running.kind === 'release' && running.release === newest)
        return firstDifference(told, { is_available: false })
      if (!newest) return 'nothing was published'
      const offered = {
        is_available: true,
        is_mandatory: false,
        update_app_version: false,
        description: newest.notes,
        label: `v${newest.number}`,
        package_hash: hashes.get(newest),
      }
      return firstDifference(told, offered)
    },
  }
}

/** Of all files, by which CodePush's clients know what they run. */
function packageHashOf({ files }: PeerRelease): string {
  const lines = Object.entries(files).map(([path, bytes]) => `${path}:${sha256Of(bytes)}`)
  return sha256Of(JSON.stringify(lines.toSorted()))
}
