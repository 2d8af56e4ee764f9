import type { App, AppChanges } from '@hotpatch/api'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { useMay } from '../ground/permissions.ts'
import { appKey, serverKey } from '../ground/queries.ts'

/** Changes of an app's settings, and whether whoever looks may make them. */
export function useAppChanges(app: App) {
  const { t } = useTranslation('settings')
  const api = useApi()
  const may = useMay()
  const save = useChange({
    change: (changes: AppChanges) => api.changeApp(app.slug, changes),
    invalidates: [appKey(app.slug), serverKey('apps')],
    done: t('saved'),
  })
  return { save, isReadOnly: !may('apps:change', app.id) }
}
