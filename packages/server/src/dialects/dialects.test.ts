import { expect, test } from 'vitest'
import { DIALECTS } from './dialects.ts'

test('what devices may call, and whether they need the key of their app', () => {
  const routes = DIALECTS.flatMap(({ name, routes }) =>
    routes.map(({ method, path, access }) => `${name}: ${method} ${path} ${access}`),
  )
  expect(routes).toEqual([
    'react-native: GET /update/check app-key',
    'react-native: POST /update/check app-key',
    'react-native: POST /installations app-key',
    'react-native: POST /devices app-key',
    'hotpatch: POST /events app-key',
    'web-bundle: GET /api/v1/native/bundle/manifest public',
    'web-bundle: GET /api/v1/native/bundle/download public',
    'capgo: POST /capgo/updates public',
    'capgo: POST /capgo/updates/manifest_size public',
    'capgo: POST /capgo/stats public',
    'capgo: GET /capgo/channel_self public',
    'capgo: PUT /capgo/channel_self public',
    'capgo: POST /capgo/channel_self public',
    'capgo: DELETE /capgo/channel_self public',
    'capawesome: GET /v1/apps/:app/bundles/latest public',
    'capawesome: GET /v1/apps/:app/channels/:channel/:platform/bundles/:bundle public',
    'capawesome: GET /v1/apps/:app/channels public',
    'app-versions: POST /api/updates/check public',
    'app-versions: GET /api/updates/latest public',
    'asset-updates: POST /api/v1/updates/check app-key',
    'asset-updates: GET /api/v1/manifests/:id app-key',
    'appcast: GET /appcast.xml public',
    'appcast: GET /channels/:channel/appcast.xml public',
    'electron: GET /electron/:app/:file public',
    'electron: GET /electron/:app/files/:channel/:platform/:version/:architecture/:name public',
    'electron: GET /electron/:file public',
    'electron: GET /electron/files/:channel/:platform/:version/:architecture/:name public',
    'tauri: GET /tauri/:app/:channel/:target/:arch/:version public',
    'tauri: GET /tauri/:channel/:target/:arch/:version public',
    'expo: GET /expo/:app/manifest public',
    'expo: GET /expo/:app/assets/:sha256 public',
  ])
})
