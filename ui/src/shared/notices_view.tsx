import { CloseButton } from '@mantine/core'
import { useStore } from '../data/store'
import { Icon } from './icons'
import { dismiss, notices } from './notices'
import css from './notices_view.module.css'

export function Notices() {
  const list = useStore(notices)
  return (
    <div className={css.stack} role="log" aria-live="polite" aria-label="Messages">
      {list.map(({ id, tone, text }) => (
        <div key={id} className={css.notice} data-tone={tone}>
          <span className={css.icon}>
            <Icon name={tone === 'good' ? 'check' : 'warning'} size={18} />
          </span>
          <p>{text}</p>
          <CloseButton size="sm" aria-label="Dismiss message" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  )
}
