import { describe, expect, test } from 'vitest'
import {
  COMPONENT_EVENT_KINDS,
  DEVICE_EVENT_KINDS,
  isDeviceFailure,
  REPORTED_EVENT_KINDS,
  reportedKind,
} from './device-event.ts'
import { KIT_CODES } from './kit/kit-codes.ts'
import { SDK_CODES } from './sdk-codes.ts'

describe('a failure that is one of the download', () => {
  const downloadCodes = [
    'check-failed',
    'catalog-expired',
    'catalog-too-old',
    'download-failed',
    'download-timeout',
    'download-too-large',
    'download-truncated',
    'storage-full',
  ]

  test.each(Object.keys(SDK_CODES))('failed with the code %s', (code) => {
    expect(reportedKind('failed', code)).toBe(downloadCodes.includes(code) ? 'download-failed' : 'failed')
  })

  test.each(downloadCodes)('%s does not keep the release from the device', (code) => {
    expect(isDeviceFailure(reportedKind('failed', code), code)).toBe(false)
  })

  test.each([undefined, null, '', 'E_SOMETHING', 'constructor'])('the code %s says nothing of a download', (code) => {
    expect(reportedKind('failed', code)).toBe('failed')
  })

  test('the code changes no other kind', () => {
    for (const kind of DEVICE_EVENT_KINDS.filter((each) => each !== 'failed')) {
      expect(reportedKind(kind, 'download-timeout')).toBe(kind)
    }
  })
})

test('devices report what is in the vocabulary, without what the server concludes', () => {
  const reported: readonly string[] = [...REPORTED_EVENT_KINDS, ...COMPONENT_EVENT_KINDS]
  const concluded = DEVICE_EVENT_KINDS.filter((kind) => !reported.includes(kind))
  expect(concluded).toEqual(['checked', 'offered', 'native-updated', 'uninstalled-unknown'])
})

describe('a kit that failed', () => {
  test('is offered again where that says something of the machine alone', () => {
    for (const [code, { isOfRelease }] of Object.entries(KIT_CODES)) {
      expect([code, isDeviceFailure('failed', code)]).toEqual([code, isOfRelease])
    }
    expect(isDeviceFailure('failed', 'probe-failed')).toBe(true)
    expect(isDeviceFailure('failed', 'not-consented')).toBe(false)
  })
})
