import type { Migration } from 'kysely/migration'
import * as init from './0001-init.ts'
import * as releaseIdentity from './0002-release-identity.ts'
import * as filesAndVariants from './0004-files-and-variants.ts'
import * as whatDevicesMayName from './0005-what-devices-may-name.ts'
import * as wholeBinaries from './0006-whole-binaries.ts'
import * as installPages from './0007-install-pages.ts'
import * as blockMaps from './0008-block-maps.ts'
import * as signedAppcasts from './0009-signed-appcasts.ts'
import * as bytesOfApps from './0010-bytes-of-apps.ts'
import * as expoUpdates from './0011-expo-updates.ts'
import * as expoExports from './0012-expo-exports.ts'
import * as deltasOfApps from './0013-deltas-of-apps.ts'
import * as answersOfContent from './0014-answers-of-content.ts'
import * as codePush from './0017-code-push.ts'
import * as buildIds from './0018-build-ids.ts'
import * as treePatches from './0019-tree-patches.ts'
import * as embeddedArchives from './0022-embedded-archives.ts'
import * as patchesOfFiles from './0023-patches-of-files.ts'
import * as bytesSaved from './0024-bytes-saved.ts'
import * as labelNumbers from './0025-label-numbers.ts'
import * as drawings from './0026-drawings.ts'
import * as sentPatches from './0027-sent-patches.ts'
import * as interruptedWork from './0028-interrupted-work.ts'
import * as people from './0029-people.ts'
import * as scopesOfTokens from './0030-scopes-of-tokens.ts'
import * as protectedChannels from './0031-protected-channels.ts'
import * as trustAndSingleSignOn from './0032-trust-and-single-sign-on.ts'
import * as auditSeals from './0033-audit-seals.ts'
import * as rolloutRevisions from './0035-rollout-revisions.ts'
import * as rareDevices from './0036-rare-devices.ts'
import * as makersOfLinks from './0037-makers-of-links.ts'
import * as componentsOfKits from './0038-components-of-kits.ts'
import * as staticEdge from './0039-static-edge.ts'
import * as archivedBytes from './0041-archived-bytes.ts'

/** In order. A merged migration is never edited: the next change is a new one. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-init': init,
  '0002-release-identity': releaseIdentity,
  '0004-files-and-variants': filesAndVariants,
  '0005-what-devices-may-name': whatDevicesMayName,
  '0006-whole-binaries': wholeBinaries,
  '0007-install-pages': installPages,
  '0008-block-maps': blockMaps,
  '0009-signed-appcasts': signedAppcasts,
  '0010-bytes-of-apps': bytesOfApps,
  '0011-expo-updates': expoUpdates,
  '0012-expo-exports': expoExports,
  '0013-deltas-of-apps': deltasOfApps,
  '0014-answers-of-content': answersOfContent,
  '0017-code-push': codePush,
  '0018-build-ids': buildIds,
  '0019-tree-patches': treePatches,
  '0022-embedded-archives': embeddedArchives,
  '0023-patches-of-files': patchesOfFiles,
  '0024-bytes-saved': bytesSaved,
  '0025-label-numbers': labelNumbers,
  '0026-drawings': drawings,
  '0027-sent-patches': sentPatches,
  '0028-interrupted-work': interruptedWork,
  '0029-people': people,
  '0030-scopes-of-tokens': scopesOfTokens,
  '0031-protected-channels': protectedChannels,
  '0032-trust-and-single-sign-on': trustAndSingleSignOn,
  '0033-audit-seals': auditSeals,
  '0035-rollout-revisions': rolloutRevisions,
  '0036-rare-devices': rareDevices,
  '0037-makers-of-links': makersOfLinks,
  '0038-components-of-kits': componentsOfKits,
  '0039-static-edge': staticEdge,
  '0041-archived-bytes': archivedBytes,
}
