import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { STYLE_NONCE } from '../ground/place.ts'
import { queries } from '../ground/queries.ts'
import { createConsoleRouter } from './router.tsx'
import { theme, variables } from './theme.ts'

const router = createConsoleRouter()
const colorSchemeManager = localStorageColorSchemeManager({ key: 'hotpatch-color-scheme' })

export function Providers() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      {...(STYLE_NONCE && { getStyleNonce: () => STYLE_NONCE as string })}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" limit={4} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  )
}
