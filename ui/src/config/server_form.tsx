import { useMemo } from 'react'
import { configApi } from '../data/config_api'
import { live } from '../data/stream'
import { useStore } from '../data/store'
import type { Group } from '../data/types'
import { Link } from '../routing/link'
import { Icon } from '../shared/icons'
import { serverAdapter } from './adapters'
import { DeleteServerQuestion } from './confirm'
import { EditorFrame } from './editor_frame'
import { ChoiceField, NumberField, Section, TextField } from './fields'
import { Missing } from './missing'
import { ServerNow } from './server_now'
import { TagsField } from './tags_field'
import { useEditor } from './use_editor'
import css from './form.module.css'

const protocols = { tls: 'TLS handshake', https: 'HTTPS request', tcp: 'TCP connection only' }

function GroupsOf({ groups }: { groups: readonly Group[] }) {
  return (
    <div className={css.aside}>
      <h2>In groups</h2>
      {groups.length === 0 ? (
        <p className={css.quiet}>In no group: the dashboard shows it under Ungrouped.</p>
      ) : (
        <ul className={css.chips}>
          {groups.map(({ id, name }) => (
            <li key={id}>
              <Link to={{ page: 'config', kind: 'group', id }} className={css.chip}>
                <Icon name="group" size={14} />
                {name}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

export function ServerForm({ id, groups }: { id: string; groups: readonly Group[] }) {
  const editor = useEditor(serverAdapter, id)
  const { servers } = useStore(live)
  const mine = useMemo(() => groups.filter(({ serverIds }) => serverIds.includes(id)), [groups, id])
  const { known, form, errors, isNew } = editor
  if (editor.phase !== 'ready') return <Missing phase={editor.phase} kindName="server" />
  const field = { kind: 'server' as const, editor }
  return (
    <EditorFrame
      editor={editor}
      kindName="server"
      title={isNew ? 'New server' : (known?.thing.name ?? '')}
      question={(close) => (
        <DeleteServerQuestion
          name={known?.thing.name ?? ''}
          saving={editor.saving}
          groups={mine.map(({ name }) => name)}
          onCancel={close}
          onDelete={() => void editor.remove((etag) => configApi.deleteServer(id, etag)).then(close)}
        />
      )}
    >
      <div className={css.columns}>
        <div className={css.sections}>
          <Section title="Server">
            <TextField {...field} field="name" placeholder="Web front" autoFocus />
            <TagsField tags={form.values.tags} errors={errors} onChange={(tags) => editor.set('tags', tags)} onBlur={() => editor.blur('tags')} />
          </Section>
          <Section title="Address" text="One of the two addresses is enough. With both, the IP address is connected to.">
            <TextField {...field} field="dnsAddress" placeholder="www.example.com" />
            <TextField {...field} field="ip" placeholder="192.0.2.7 or 2001:db8::7" />
            <NumberField {...field} field="port" />
            <ChoiceField {...field} field="protocol" labels={protocols} />
          </Section>
          <Section title="TLS">
            <TextField {...field} field="serverName" placeholder={form.values.dnsAddress || 'The DNS address'} description="Sent as SNI, and the certificate must be for it. Empty: the DNS address." />
            <TextField {...field} field="caBundle" placeholder="The system's trusted CAs" description="A PEM file on the service's machine, for a private CA." />
          </Section>
          <Section title="Checks">
            <NumberField {...field} field="checkIntervalSeconds" suffix="seconds" />
            <NumberField {...field} field="expiryWarningDays" suffix="days" />
            <NumberField {...field} field="consecutiveSuccesses" suffix="in a row" />
            <NumberField {...field} field="consecutiveFailures" suffix="in a row" />
          </Section>
        </div>
        {!isNew && (
          <div className={css.side}>
            <ServerNow server={servers.get(id)} />
            <GroupsOf groups={mine} />
          </div>
        )}
      </div>
    </EditorFrame>
  )
}
