import { MantineProvider } from '@mantine/core'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { startStream } from './data/stream'
import { useStore } from './data/store'
import { refreshSession } from './data/session'
import './theme/mantine'
import './theme/tokens.css'
import './theme/base.css'
import { scheme } from './theme/color_scheme'
import { theme } from './theme/theme'

function Themed() {
  const { shown } = useStore(scheme)
  return (
    <MantineProvider theme={theme} forceColorScheme={shown} withCssVariables={false} withGlobalClasses={false}>
      <App />
    </MantineProvider>
  )
}

const root = document.getElementById('root')
if (root) {
  void refreshSession()
  startStream()
  createRoot(root).render(
    <StrictMode>
      <Themed />
    </StrictMode>,
  )
}
