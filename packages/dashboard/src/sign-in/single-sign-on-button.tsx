import { singleSignOnAddress } from '@hotpatch/api'
import { Button, Divider } from '@mantine/core'
import { IconLogin2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { currentApi } from '../ground/api.ts'
import { BASE_PATH, SERVER_URL } from '../ground/place.ts'
import { serverKey } from '../ground/queries.ts'

/** Where the server has an issuer at which people sign in. */
export function SingleSignOnButton({ returnTo = `${BASE_PATH}/` }: { returnTo?: string | undefined }) {
  const { t } = useTranslation('sign-in')
  const offer = useQuery({
    queryKey: serverKey('single-sign-on', 'offer'),
    queryFn: () => currentApi().getSingleSignOnOffer(),
    retry: false,
  })
  const name = offer.data?.name
  if (!name) return null
  return (
    <>
      <Button
        component="a"
        href={SERVER_URL + singleSignOnAddress(returnTo)}
        leftSection={<IconLogin2 size={18} aria-hidden />}
        fullWidth
      >
        {t('singleSignOn', { name })}
      </Button>
      <Divider label={t(offer.data?.isOnlyWay ? 'orAsOwner' : 'or')} />
    </>
  )
}
