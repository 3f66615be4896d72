// The servers of a group, in the order in which the dashboard shows them.
import { DndContext, closestCenter, type DragEndEvent } from '@dnd-kit/core'
import { SortableContext, useSortable, verticalListSortingStrategy } from '@dnd-kit/sortable'
import { CSS } from '@dnd-kit/utilities'
import { ActionIcon, Select } from '@mantine/core'
import { useRef, useState, type KeyboardEvent } from 'react'
import type { ServerConfig } from '../data/types'
import { Icon } from '../shared/icons'
import { addressOf } from '../shared/states'
import { moved } from './arrange'
import { announcementsFor, sortInstructions, useSortSensors } from './sorting'
import css from './members.module.css'

interface MemberProps {
  id: string
  server: ServerConfig | undefined
  position: number
  count: number
  error: string | undefined
  onMove: (by: number) => void
  onRemove: () => void
}

function Member({ id, server, position, count, error, onMove, onRemove }: MemberProps) {
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({ id })
  const name = server?.name ?? id
  const onKey = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    onMove(event.key === 'ArrowUp' ? -1 : 1)
  }
  return (
    <li ref={setNodeRef} className={css.member} data-dragging={isDragging || undefined} data-member={id} style={{ transform: CSS.Translate.toString(transform), transition }} onKeyDown={onKey}>
      <button type="button" ref={setActivatorNodeRef} className={css.grip} {...attributes} {...listeners} aria-label={`Move ${name}, ${position} of ${count}`}>
        <Icon name="grip" size={18} />
      </button>
      <div className={css.names}>
        <p>{name}</p>
        <p className={css.address}>{error ?? (server ? addressOf(server) : 'This server does not exist')}</p>
      </div>
      <div className={css.buttons}>
        <ActionIcon variant="subtle" color="gray" aria-label={`Move ${name} up`} disabled={position === 1} onClick={() => onMove(-1)}>
          <Icon name="up" />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" aria-label={`Move ${name} down`} disabled={position === count} onClick={() => onMove(1)}>
          <Icon name="down" />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name} from the group`} onClick={onRemove}>
          <Icon name="close" />
        </ActionIcon>
      </div>
    </li>
  )
}

interface Props {
  ids: string[]
  servers: readonly ServerConfig[]
  errors: Readonly<Record<string, string>>
  onChange: (ids: string[]) => void
}

function Adder({ ids, servers, onAdd }: { ids: string[]; servers: readonly ServerConfig[]; onAdd: (id: string) => void }) {
  const [text, setText] = useState('')
  const options = servers.filter(({ id }) => !ids.includes(id)).map((server) => ({ value: server.id, label: `${server.name} (${addressOf(server)})` }))
  return (
    <Select
      label="Add a server"
      placeholder={options.length > 0 ? 'Choose, or type to search' : 'All servers are in this group'}
      searchable
      disabled={options.length === 0}
      data={options}
      value={null}
      searchValue={text}
      onSearchChange={setText}
      limit={100}
      nothingFoundMessage="No server matches"
      onChange={(id) => {
        if (id !== null) onAdd(id)
        setText('')
      }}
    />
  )
}

export function Members({ ids, servers, errors, onChange }: Props) {
  const sensors = useSortSensors()
  const list = useRef<HTMLUListElement>(null)
  const [said, setSaid] = useState('')
  const byId = new Map(servers.map((server) => [server.id, server]))
  const nameOf = (id: string | number) => byId.get(String(id))?.name ?? String(id)
  const move = (from: number, to: number) => {
    const next = moved(ids, from, to)
    if (!next) return
    onChange(next)
    setSaid(`${nameOf(ids[from] ?? '')} is now ${to + 1} of ${ids.length}`)
  }
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    if (over) move(ids.indexOf(String(active.id)), ids.indexOf(String(over.id)))
  }
  return (
    <div className={css.members}>
      {ids.length === 0 ? (
        <p className={css.empty}>{servers.length === 0 ? 'There are no servers yet. Add one with the plus beside Servers.' : 'No servers in this group yet. Add the first one here.'}</p>
      ) : (
        <DndContext
          sensors={sensors}
          collisionDetection={closestCenter}
          accessibility={{ announcements: announcementsFor(nameOf), screenReaderInstructions: sortInstructions }}
          onDragEnd={onDragEnd}
        >
          <SortableContext items={ids} strategy={verticalListSortingStrategy}>
            <ul ref={list} className={css.list} aria-label="Servers of this group">
              {ids.map((id, index) => (
                <Member
                  key={id}
                  id={id}
                  server={byId.get(id)}
                  position={index + 1}
                  count={ids.length}
                  error={errors[`serverIds.${index}`]}
                  onMove={(by) => move(index, index + by)}
                  onRemove={() => {
                    onChange(ids.filter((other) => other !== id))
                    setSaid(`${nameOf(id)} is removed`)
                  }}
                />
              ))}
            </ul>
          </SortableContext>
        </DndContext>
      )}
      <Adder
        ids={ids}
        servers={servers}
        onAdd={(id) => {
          onChange([...ids, id])
          setSaid(`${nameOf(id)} is added`)
        }}
      />
      <div className="visually-hidden" role="status">
        {said}
      </div>
    </div>
  )
}
