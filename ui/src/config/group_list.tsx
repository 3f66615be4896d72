// The groups, row by row; dragging one, or Alt with an arrow key, moves it on the dashboard.
import { DndContext, closestCenter, type DragEndEvent, type UniqueIdentifier } from '@dnd-kit/core'
import { SortableContext, useSortable, verticalListSortingStrategy } from '@dnd-kit/sortable'
import { CSS } from '@dnd-kit/utilities'
import { useState, type KeyboardEvent } from 'react'
import type { Group } from '../data/types'
import { Link } from '../routing/link'
import { Icon } from '../shared/icons'
import { itemsOf, movedGroup, newRowKey, type Item } from './arrange'
import { arrangeGroups } from './config_data'
import { moveFocus, tabStop } from './roving'
import css from './sidebar.module.css'
import { announcementsFor, sortInstructions, useSortSensors } from './sorting'

function rowText({ key, row }: { key: string; row: number }): string {
  return key === newRowKey ? 'New row' : `Row ${row}`
}

function RowHeading({ item, dragging }: { item: Item & { kind: 'row' }; dragging: boolean }) {
  const { setNodeRef, transform, transition } = useSortable({ id: item.key, disabled: { draggable: true } })
  const last = item.key === newRowKey
  return (
    <li ref={setNodeRef} className={css.row} data-last={last || undefined} data-dragging={dragging || undefined} style={{ transform: CSS.Translate.toString(transform), transition }}>
      {last ? (dragging ? 'Drop here for a new row' : '') : rowText(item)}
    </li>
  )
}

interface EntryProps {
  group: Group
  open: boolean
  stop: boolean
  onFocus: () => void
  onMove: (by: number) => void
}

function Entry({ group, open, stop, onFocus, onMove }: EntryProps) {
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({ id: group.id })
  const onKey = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    event.stopPropagation()
    onMove(event.key === 'ArrowUp' ? -1 : 1)
  }
  const { length } = group.serverIds
  return (
    <li ref={setNodeRef} className={css.groupItem} data-dragging={isDragging || undefined} data-group={group.id} style={{ transform: CSS.Translate.toString(transform), transition }} onKeyDown={onKey}>
      <Link
        to={{ page: 'config', kind: 'group', id: group.id }}
        className={css.item}
        data-roving=""
        draggable={false}
        tabIndex={stop ? 0 : -1}
        aria-current={open ? 'page' : undefined}
        aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
        onFocus={onFocus}
      >
        <span className={css.name}>{group.name}</span>
        <span className={css.count}>
          {length}
          <span className="visually-hidden"> {length === 1 ? 'server' : 'servers'}</span>
        </span>
      </Link>
      <button type="button" ref={setActivatorNodeRef} className={css.grip} {...attributes} {...listeners} tabIndex={stop ? 0 : -1} aria-label={`Move ${group.name}`}>
        <Icon name="grip" size={18} />
      </button>
    </li>
  )
}

export function GroupList({ groups, open }: { groups: readonly Group[]; open: string | null }) {
  const sensors = useSortSensors()
  const [focused, setFocused] = useState<string | null>(null)
  const [dragging, setDragging] = useState(false)
  const items = itemsOf(groups)
  const keys = items.map(({ key }) => key)
  const stop = tabStop(items.filter(({ kind }) => kind === 'group').map(({ key }) => key), open, focused)

  const nameOf = (id: UniqueIdentifier) => {
    const item = items.find(({ key }) => key === id)
    return item?.kind === 'group' ? item.group.name : item ? rowText(item) : String(id)
  }
  const move = (from: number, to: number) => {
    const arrangement = movedGroup(groups, from, to)
    const id = keys[from]
    const place = arrangement?.find((one) => one.id === id)
    if (arrangement && place && id) arrangeGroups(arrangement, `${nameOf(id)} is now in row ${place.rowNumber}, position ${place.rowOrder}`)
  }
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    setDragging(false)
    if (over) move(keys.indexOf(String(active.id)), keys.indexOf(String(over.id)))
  }

  if (groups.length === 0) return <p className={css.hint}>No groups yet. A group is a box on the dashboard with the servers that belong together.</p>
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={closestCenter}
      accessibility={{ announcements: announcementsFor(nameOf), screenReaderInstructions: sortInstructions }}
      onDragStart={() => setDragging(true)}
      onDragCancel={() => setDragging(false)}
      onDragEnd={onDragEnd}
    >
      <SortableContext items={keys} strategy={verticalListSortingStrategy}>
        <ul className={css.list} aria-label="Groups" onKeyDown={moveFocus}>
          {items.map((item, index) =>
            item.kind === 'row' ? (
              <RowHeading key={item.key} item={item} dragging={dragging} />
            ) : (
              <Entry key={item.key} group={item.group} open={item.key === open} stop={item.key === stop} onFocus={() => setFocused(item.key)} onMove={(by) => move(index, index + by)} />
            ),
          )}
        </ul>
      </SortableContext>
    </DndContext>
  )
}
