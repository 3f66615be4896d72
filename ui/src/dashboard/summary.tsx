// How many are in which state; each number is a filter too.
import { CloseButton, TextInput } from '@mantine/core'
import type { ServerStatus } from '../data/types'
import { Icon, type IconName } from '../shared/icons'
import { counts, type Bucket, type Filter } from './filter'
import css from './summary.module.css'

const tiles: { bucket: Bucket; label: string; icon: IconName; tone: string }[] = [
  { bucket: 'all', label: 'Servers', icon: 'server', tone: 'all' },
  { bucket: 'online', label: 'Online', icon: 'online', tone: 'good' },
  { bucket: 'expiring', label: 'Expiring', icon: 'expiring', tone: 'warn' },
  { bucket: 'problems', label: 'Problems', icon: 'offline', tone: 'bad' },
  { bucket: 'unknown', label: 'Not checked', icon: 'unknown', tone: 'quiet' },
]

/** From this many servers on there is a field to search them. */
const manyServers = 9

interface Props {
  servers: ReadonlyMap<string, ServerStatus>
  filter: Filter
  onFilter: (filter: Filter) => void
}

export function Summary({ servers, filter, onFilter }: Props) {
  const found = counts(servers.values())
  const visible = tiles.filter(({ bucket }) => bucket !== 'unknown' || found.unknown > 0 || filter.bucket === 'unknown')
  return (
    <div className={css.summary}>
      <div className={css.tiles} role="group" aria-label="Show servers by state">
        {visible.map(({ bucket, label, icon, tone }) => (
          <button
            key={bucket}
            type="button"
            className={css.tile}
            data-tone={found[bucket] > 0 ? tone : 'none'}
            aria-pressed={filter.bucket === bucket}
            onClick={() => onFilter({ ...filter, bucket: filter.bucket === bucket ? 'all' : bucket })}
          >
            <span className={css.icon}>
              <Icon name={icon} size={20} />
            </span>
            <span className={css.count}>{found[bucket].toLocaleString('en')}</span>
            <span className={css.label}>{label}</span>
          </button>
        ))}
      </div>
      {(servers.size >= manyServers || filter.text !== '') && (
        <TextInput
          className={css.search}
          type="search"
          aria-label="Search servers"
          placeholder="Name, address, tag or issuer"
          leftSection={<Icon name="search" />}
          rightSection={filter.text !== '' && <CloseButton size="sm" aria-label="Clear search" onClick={() => onFilter({ ...filter, text: '' })} />}
          value={filter.text}
          onChange={({ currentTarget }) => onFilter({ ...filter, text: currentTarget.value })}
          onKeyDown={({ key }) => key === 'Escape' && onFilter({ ...filter, text: '' })}
        />
      )}
    </div>
  )
}
