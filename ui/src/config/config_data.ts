// The lists of servers and groups that the sidebar shows, loaded anew whenever somebody changed one.
import { useEffect } from 'react'
import { configApi, type Arrangement } from '../data/config_api'
import { ApiError } from '../data/http'
import { live } from '../data/stream'
import { Store, useStore } from '../data/store'
import type { Group, ServerConfig } from '../data/types'
import { notify, notifyError } from '../shared/notices'
import { arranged } from './arrange'

export interface ConfigData {
  loaded: boolean
  servers: readonly ServerConfig[]
  groups: readonly Group[]
  groupsEtag: string
}

export const configData = new Store<ConfigData>({ loaded: false, servers: [], groups: [], groupsEtag: '' })

let newest = 0

export async function reloadLists(): Promise<void> {
  newest += 1
  const mine = newest
  const [servers, groups] = await Promise.all([configApi.servers(), configApi.groups()])
  // A slow answer to an earlier question must not replace a later one, nor what is on its way to the service.
  if (mine !== newest || waiting > 0) return
  configData.set(() => ({ loaded: true, servers: servers.data.servers, groups: groups.data.groups, groupsEtag: groups.etag }))
}

function quietly(error: unknown) {
  // A lost connection has its banner, and a 401 its dialog.
  if (error instanceof ApiError && error.status !== 401) notifyError(error)
}

export function useConfigData(): ConfigData {
  const { configVersion } = useStore(live)
  useEffect(() => {
    reloadLists().catch(quietly)
  }, [configVersion])
  return useStore(configData)
}

let waiting = 0
let last: Promise<void> = Promise.resolve()

async function send(arrangement: Arrangement, said: string): Promise<void> {
  try {
    // The version that this arrangement was made from: the one before it in the queue has put it here.
    const { etag } = await configApi.arrange(arrangement, configData.get().groupsEtag)
    configData.set((data) => ({ ...data, groupsEtag: etag }))
    notify('good', said)
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) notify('bad', 'The groups were changed elsewhere. They are shown as they are now; move the group again.')
    else notifyError(error)
  } finally {
    waiting -= 1
  }
  if (waiting === 0) await reloadLists().catch(quietly)
}

/** Shows the new order at once; the service hears of one after the other. What it refuses is taken back. */
export function arrangeGroups(arrangement: Arrangement, said: string): void {
  waiting += 1
  configData.set((data) => ({ ...data, groups: arranged(data.groups, arrangement) }))
  last = last.then(() => send(arrangement, said))
}
