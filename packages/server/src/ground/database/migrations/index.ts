import type { Migration } from 'kysely/migration'
import * as init from './0001-init.ts'
import * as fleetAndPlans from './0002-fleet-and-plans.ts'
import * as deviceTrust from './0003-device-trust.ts'
import * as believedDevices from './0004-believed-devices.ts'
import * as floods from './0005-floods.ts'
import * as publishing from './0007-publishing.ts'
import * as reachAndSequences from './0008-reach-and-sequences.ts'
import * as tokenFamilies from './0009-token-families.ts'
import * as deletedApps from './0010-deleted-apps.ts'
import * as waitsAndUnkeptEvents from './0011-waits-and-unkept-events.ts'
import * as binaryTimes from './0012-binary-times.ts'
import * as statements from './0013-statements.ts'
import * as content from './0014-content.ts'
import * as deviceAttributes from './0015-device-attributes.ts'
import * as channelKeys from './0016-channel-keys.ts'
import * as mandatoryBelow from './0017-mandatory-below.ts'

/** In order. A merged migration is never edited: the next change is a new one. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-init': init,
  '0002-fleet-and-plans': fleetAndPlans,
  '0003-device-trust': deviceTrust,
  '0004-believed-devices': believedDevices,
  '0005-floods': floods,
  '0007-publishing': publishing,
  '0008-reach-and-sequences': reachAndSequences,
  '0009-token-families': tokenFamilies,
  '0010-deleted-apps': deletedApps,
  '0011-waits-and-unkept-events': waitsAndUnkeptEvents,
  '0012-binary-times': binaryTimes,
  '0013-statements': statements,
  '0014-content': content,
  '0015-device-attributes': deviceAttributes,
  '0016-channel-keys': channelKeys,
  '0017-mandatory-below': mandatoryBelow,
}
