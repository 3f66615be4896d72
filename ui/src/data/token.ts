// The token that allows writing. It lives in this tab's session, or, when the person asks for it, in this browser.

const key = 'lockstep-token'

function stores(): Storage[] {
  try {
    return [sessionStorage, localStorage]
  } catch {
    // Storage is off in this browser: the token then lives as long as the page.
    return []
  }
}

let current: string | null = stores().map((store) => store.getItem(key)).find((token) => token) ?? null

export function token(): string | null {
  return current
}

export function setToken(value: string, remember: boolean) {
  forgetToken()
  current = value
  const [session, local] = stores()
  ;(remember ? local : session)?.setItem(key, value)
}

export function forgetToken() {
  current = null
  for (const store of stores()) store.removeItem(key)
}
