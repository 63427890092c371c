/** What people do to a world by hand, behind the program's back. For tests. */
import type { Observed } from '../../model/resource.ts'
import { stackIn } from './world.ts'
import type { World } from './world.ts'

export function drift(world: World, stack: string) {
  const change = (edit: (live: ReturnType<typeof stackIn>) => void) =>
    world.change((state) => edit(stackIn(state, stack)))
  return {
    deleteBundle: (bottle: string) => change((live) => delete live.bundles[bottle]),
    deleteAgent: (bottle: string) => change((live) => delete live.bottles[bottle]?.agent),
    deleteBottle: (bottle: string) => change((live) => delete live.bottles[bottle]),
    replaceHolder: (bottle: string, id: string) =>
      change((live) => {
        const found = live.bottles[bottle]
        if (found) found.holder = { id, state: 'only-loopback' }
      }),
    attachHolder: (bottle: string, network: string) =>
      change((live) => {
        const found = live.bottles[bottle]
        if (found?.holder) found.holder.state = [`attached to ${network}`]
      }),
    stopBundle: (bottle: string) =>
      change((live) => {
        const found = live.bundles[bottle]
        if (!found) return
        found.fields = { ...found.fields, running: false }
        delete found.config
      }),
    /** Egress came up again without what it had been handed. */
    forgetConfiguration: (bottle: string) => change((live) => delete live.bundles[bottle]?.config),
    restartUplink: () =>
      change((live) => {
        if (!live.uplink) return
        live.uplink.tables = {}
        delete live.uplink.policy
      }),
    deleteUplink: () => change((live) => delete live.uplink),
    deleteImage: (address: string) => world.change((state) => delete state.images[address]),
    damageRecord: () => change((live) => (live.recordDamaged = true)),
    addStranger: (stranger: Observed) => change((live) => live.strangers.push(stranger)),
    editGitConfig: (bottle: string, text: string) =>
      change((live) => {
        const agent = live.bottles[bottle]?.agent
        if (agent) agent.gitConfig = text
      }),
    editAgent: (bottle: string, fields: Observed['fields']) =>
      change((live) => {
        const agent = live.bottles[bottle]?.agent
        if (agent) agent.fields = { ...agent.fields, ...fields }
      }),
  }
}
