// Who we are to the service, and asking the person for the token when it wants one.
import { ApiError, request } from './http'
import { Store } from './store'
import { forgetToken, setToken, token } from './token'
import type { Session } from './types'

export interface SessionState {
  session: Session | null
  hasToken: boolean
  /** Why the sign-in dialog is open; null when it is not. */
  asking: 'read' | 'write' | null
}

export const session = new Store<SessionState>({ session: null, hasToken: token() !== null, asking: null })

type Waiter = (signedIn: boolean) => void
let waiting: Waiter[] = []

export async function refreshSession(): Promise<Session | null> {
  try {
    const { data } = await request<Session>('GET', '/api/session')
    session.set((value) => ({ ...value, session: data, hasToken: token() !== null }))
    return data
  } catch {
    return null
  }
}

/** Opens the dialog; the promise tells whether the person signed in. */
export function askForToken(why: 'read' | 'write'): Promise<boolean> {
  session.set((value) => ({ ...value, asking: value.asking === 'read' ? 'read' : why }))
  return new Promise((resolve) => waiting.push(resolve))
}

function answer(signedIn: boolean) {
  session.set((value) => ({ ...value, asking: null }))
  const told = waiting
  waiting = []
  for (const tell of told) tell(signedIn)
}

/** Tries a token; the text says why it was not taken. */
export async function signIn(value: string, remember: boolean): Promise<string | null> {
  setToken(value, remember)
  const found = await refreshSession()
  if (found?.mayWrite) {
    answer(true)
    return null
  }
  forgetToken()
  session.set((state) => ({ ...state, hasToken: false }))
  return found ? 'The service does not accept this token' : 'The service cannot be reached'
}

export function cancelSignIn() {
  answer(false)
}

export function signOut() {
  forgetToken()
  session.set((value) => ({ ...value, hasToken: false }))
  void refreshSession()
}

async function mustSignIn() {
  if (!(await askForToken('write'))) throw new ApiError(401, 'Nothing was changed: sign in to change the configuration')
}

/** A write that asks for the token before, when it is known to be needed, and else when the service wants it. */
export async function authorized<T>(write: () => Promise<T>): Promise<T> {
  if (session.get().session?.mayWrite === false) await mustSignIn()
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      await mustSignIn()
    }
  }
}
