import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useMay } from '../ground/permissions.ts'
import { serverKey } from '../ground/queries.ts'

const LIMIT = 200

export interface Choice {
  value: string
  label: string
}

/** Who can be named for a protected channel, as far as whoever is signed in may see them. */
export function useProtectors(): { people: Choice[]; tokens: Choice[] } {
  const { t } = useTranslation('channels')
  const api = useApi()
  const may = useMay()
  const people = useQuery({
    queryKey: serverKey('people', 'names'),
    queryFn: () => api.listPeople({ limit: LIMIT }),
    enabled: may('people:manage'),
  })
  const tokens = useQuery({
    queryKey: serverKey('tokens', 'names'),
    queryFn: () => api.listTokens({ limit: LIMIT, ended: false }),
    enabled: may('tokens:manage'),
  })
  const rules = useQuery({
    queryKey: serverKey('trust-rules', 'names'),
    queryFn: () => api.listTrustRules({ limit: LIMIT }),
    enabled: may('trust:manage'),
  })
  return {
    people: (people.data?.items ?? []).map(({ id, name, email }) => ({ value: id, label: `${name} (${email})` })),
    tokens: [
      ...(tokens.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
      ...(rules.data?.items ?? []).map(({ id, name }) => ({ value: id, label: t('protection.rule', { name }) })),
    ],
  }
}
