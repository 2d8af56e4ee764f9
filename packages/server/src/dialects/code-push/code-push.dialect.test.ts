import { expect } from 'vitest'
import { describeDialect, type Asking } from '../testing/dialect-suite.ts'
import { codePush } from './code-push.ts'

const check = (path: string, names: [string, string, string]) => (asking: Asking) => {
  const [key, version, device] = names
  const query = new URLSearchParams({ [version]: '0.9.0', [device]: asking.deviceId })
  const mine = asking.keys[asking.channel]
  if (mine) query.set(key, mine)
  return { url: `${path}?${query}` }
}
const report = (path: string) => (asking: Asking) => ({
  url: path,
  body: {
    app_version: '0.9.0',
    client_unique_id: asking.deviceId,
    label: 'v1',
    status: 'DeploymentSucceeded',
    ...(asking.keys[asking.channel] && { deployment_key: asking.keys[asking.channel] }),
  },
})
const at = '/v0.1/public/codepush'

describeDialect({
  dialect: codePush(),
  keysFor: 'android',
  asks: {
    [`GET ${at}/update_check`]: check(`${at}/update_check`, ['deployment_key', 'app_version', 'client_unique_id']),
    'GET /updateCheck': check('/updateCheck', ['deploymentKey', 'appVersion', 'clientUniqueId']),
    [`POST ${at}/report_status/deploy`]: report(`${at}/report_status/deploy`),
    'POST /reportStatus/deploy': report('/reportStatus/deploy'),
    [`POST ${at}/report_status/download`]: report(`${at}/report_status/download`),
    'POST /reportStatus/download': report('/reportStatus/download'),
  },
  readRefusal({ headers, body }) {
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    return /^\S.* \(([a-z-]+)\)$/s.exec(body)?.[1] ?? ''
  },
  readOffer({ body }) {
    const { is_available, label } = body.update_info ?? {
      ...body.updateInfo,
      is_available: body.updateInfo.isAvailable,
    }
    return is_available && label === 'v1' ? '1.0.0' : null
  },
  askAnonymously: (asking) => ({
    url: `${at}/update_check?deployment_key=${asking.keys.production}&app_version=0.9.0`,
  }),
  explains: true,
})
