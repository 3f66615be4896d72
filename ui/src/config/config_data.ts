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
  // A slow answer to an earlier question must not replace a later one.
  if (mine !== newest) return
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

/** Shows the new order at once, and takes it back when the service refuses. */
export async function arrangeGroups(arrangement: Arrangement, said: string): Promise<void> {
  const { groups: before, groupsEtag } = configData.get()
  newest += 1
  configData.set((data) => ({ ...data, groups: arranged(data.groups, arrangement) }))
  try {
    await configApi.arrange(arrangement, groupsEtag)
    notify('good', said)
  } catch (error) {
    configData.set((data) => ({ ...data, groups: before }))
    if (error instanceof ApiError && error.status === 412) notify('bad', 'The groups were changed elsewhere. They are shown as they are now; move the group again.')
    else notifyError(error)
  }
  await reloadLists().catch(quietly)
}
