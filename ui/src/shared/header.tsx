// The bar at the top of both pages.
import { ActionIcon, Tooltip } from '@mantine/core'
import { session, askForToken, signOut } from '../data/session'
import { connect, live } from '../data/stream'
import { useStore } from '../data/store'
import { Link } from '../routing/link'
import { choose, scheme, type Choice } from '../theme/color_scheme'
import css from './header.module.css'
import { Icon, type IconName } from './icons'

const choices: Record<Choice, { next: Choice; icon: IconName }> = {
  system: { next: 'light', icon: 'system' },
  light: { next: 'dark', icon: 'sun' },
  dark: { next: 'system', icon: 'moon' },
}

function SchemeSwitch() {
  const { choice } = useStore(scheme)
  const { next, icon } = choices[choice]
  const label = `Colours: ${choice}. Switch to ${next}`
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" className={css.control} size="lg" aria-label={label} onClick={() => choose(next)}>
        <Icon name={icon} size={18} />
      </ActionIcon>
    </Tooltip>
  )
}

function SignInControl() {
  const { session: current, hasToken } = useStore(session)
  if (!current || (current.mayWrite && !hasToken && current.who !== 'token')) return null
  const leave = () => {
    signOut()
    connect()
  }
  return (
    <button type="button" className={css.textControl} onClick={hasToken ? leave : () => void askForToken('write')}>
      <Icon name="key" size={16} />
      <span>{hasToken ? 'Sign out' : 'Sign in'}</span>
    </button>
  )
}

function Connection() {
  const { phase } = useStore(live)
  const text = { connecting: 'Connecting', live: 'Live', lost: 'Not connected' }[phase]
  return (
    <span className={css.connection} data-phase={phase}>
      <span className={css.dot} aria-hidden="true" />
      {text}
    </span>
  )
}

export function Header({ page }: { page: 'dashboard' | 'config' }) {
  return (
    <header className={css.header}>
      <Link to={{ page: 'dashboard', kind: null, id: null }} className={css.brand} aria-label="Lockstep, dashboard">
        <img src="/logo.svg" width={28} height={28} alt="" />
        <span>Lockstep</span>
      </Link>
      <nav className={css.nav} aria-label="Pages">
        <Link to={{ page: 'dashboard', kind: null, id: null }} aria-current={page === 'dashboard' ? 'page' : undefined}>
          Dashboard
        </Link>
        <Link to={{ page: 'config', kind: null, id: null }} aria-current={page === 'config' ? 'page' : undefined}>
          Configuration
        </Link>
      </nav>
      <div className={css.end}>
        <Connection />
        <SignInControl />
        <SchemeSwitch />
      </div>
    </header>
  )
}
