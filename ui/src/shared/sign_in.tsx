// Asks for the token of the service.
import { Button, Checkbox, Modal, PasswordInput } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { cancelSignIn, session, signIn } from '../data/session'
import { useStore } from '../data/store'
import css from './dialogs.module.css'
import { useScrollLock } from './scroll_lock'

function SignInForm({ why }: { why: 'read' | 'write' }) {
  const [token, setToken] = useState('')
  const [remember, setRemember] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (token.trim() === '') {
      setError('Enter the token')
      return
    }
    setBusy(true)
    const refused = await signIn(token.trim(), remember)
    setBusy(false)
    setError(refused)
  }
  return (
    <form onSubmit={(event) => void submit(event)} className={css.body} noValidate>
      <p>
        {why === 'read' ? 'Looking at this service needs its token.' : 'Changing the configuration needs the token of this service.'} It was printed
        when the service first started, and lies in the file <code>service/token</code> of its data folder.
      </p>
      <PasswordInput label="Token" value={token} error={error} autoComplete="off" data-autofocus visibilityToggleButtonProps={{ 'aria-label': 'Show the token' }} onChange={({ currentTarget }) => setToken(currentTarget.value)} />
      <Checkbox label="Remember on this browser" checked={remember} onChange={({ currentTarget }) => setRemember(currentTarget.checked)} />
      <div className={css.actions}>
        <Button variant="default" onClick={cancelSignIn}>
          Cancel
        </Button>
        <Button type="submit" loading={busy}>
          Sign in
        </Button>
      </div>
    </form>
  )
}

export function SignIn() {
  const { asking } = useStore(session)
  useScrollLock(asking !== null)
  return (
    <Modal opened={asking !== null} onClose={cancelSignIn} title="Sign in" zIndex={300}>
      {asking && <SignInForm why={asking} />}
    </Modal>
  )
}
