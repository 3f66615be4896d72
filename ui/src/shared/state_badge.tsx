import { stateOf, states } from './states'
import { Icon } from './icons'
import css from './state_badge.module.css'

export function StateBadge({ state }: { state: string }) {
  const known = stateOf(state)
  const { label, tone } = states[known]
  return (
    <span className={css.badge} data-tone={tone}>
      <Icon name={known} size={15} />
      {label}
    </span>
  )
}
