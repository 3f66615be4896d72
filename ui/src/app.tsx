import { useEffect } from 'react'
import { ConfigPage } from './config/config_page'
import { Dashboard } from './dashboard/dashboard'
import { problemCount } from './dashboard/filter'
import { live } from './data/stream'
import { useStore } from './data/store'
import { place } from './routing/router'
import { Banners } from './shared/banners'
import { Header } from './shared/header'
import { Notices } from './shared/notices_view'
import { SignIn } from './shared/sign_in'
import { StatusAnnouncer } from './dashboard/announcer'
import css from './app.module.css'

function useTitle(page: string) {
  const { servers } = useStore(live)
  const problems = problemCount(servers.values())
  useEffect(() => {
    const name = page === 'config' ? 'Configuration · Lockstep' : 'Lockstep'
    document.title = problems > 0 ? `(${problems}) ${name}` : name
  }, [page, problems])
}

export function App() {
  const { page } = useStore(place)
  useTitle(page)
  return (
    <div className={css.app} data-page={page}>
      <a className={css.skip} href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      <Header page={page} />
      <Banners />
      {page === 'config' ? <ConfigPage /> : <Dashboard />}
      <Notices />
      <StatusAnnouncer />
      <SignIn />
    </div>
  )
}

function skipToContent(event: { preventDefault: () => void }) {
  // The fragment belongs to the router.
  event.preventDefault()
  document.getElementById('content')?.focus()
}
