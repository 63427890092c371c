/** The only thing of this driver that writes; it exists for the holder of a lease and stops with it. */
import { RefusedError, DriverError } from '../../model/errors.ts'
import { VERIFY_MS } from '../../model/gate.ts'
import { liveNames } from '../../model/names.ts'
import type { Action } from '../../model/plan.ts'
import type { Actuator, Effect, EffectContext, Lease } from '../../ports/driver.ts'
import { halt, performBottle } from './bottle-effect.ts'
import { bundleTarget, performBundle } from './bundle-effect.ts'
import { ask } from './control.ts'
import { freezeBottle } from './freeze/freeze.ts'
import { performGuest, wake } from './guest-effect.ts'
import { performImage } from './image-effect.ts'
import { uplinkTarget } from './observe.ts'
import { ours, type Site } from './place.ts'
import { performUplink } from './uplink-effect.ts'

export function createActuator(lease: Lease, openSite: () => Promise<Site>): Actuator {
  const leased = async (): Promise<Site> => {
    if (lease.held) return openSite()
    throw new RefusedError(`the lock of stack ${lease.stack} is no longer held: nothing is changed`, {
      code: 'lease-lost',
    })
  }
  return {
    async perform(action, context) {
      const site = await leased()
      context.signal.throwIfAborted()
      return perform({ ...site, installation: context.installation }, action, context)
    },
    async controlUplink(request, signal) {
      const site = await leased()
      return ask(
        site.engine,
        uplinkTarget(await running(site, liveNames.uplink(site.stack), 'uplink')),
        request,
        signal,
      )
    },
    async controlBundle(bottle, request, signal) {
      const site = await leased()
      const id = await running(site, liveNames.bundle(site.stack, bottle), `bundle of ${bottle}`)
      // What somebody else has to answer first takes longer.
      const answerMs = request.op === 'verify' ? VERIFY_MS.whole + 5000 : undefined
      return ask(site.engine, bundleTarget(id, bottle), request, signal, answerMs)
    },
    async start(bottle, signal) {
      const site = await leased()
      const agent = await existing(site, bottle)
      if (agent.state.running && !agent.state.paused) return
      await halt(site, agent)
      await site.engine.startContainer(agent.id)
      await wake(site, bottle, signal)
    },
    async stop(bottle) {
      const site = await leased()
      await halt(site, await existing(site, bottle))
    },
    async freeze(bottle, request, signal) {
      const site = await leased()
      return freezeBottle(site, await existing(site, bottle), bottle, request, signal)
    },
  }
}

function perform(site: Site, action: Action, context: EffectContext): Promise<Effect> {
  switch (action.kind) {
    case 'image':
      return performImage(site, action, context)
    case 'uplink':
      return performUplink(site, action, context.signal)
    case 'bottle':
      return performBottle(site, action, context)
    case 'bundle':
      return performBundle(site, action, context.signal)
    case 'guest':
      return performGuest(site, action, context)
    case 'ca':
    case 'route':
    case 'remote':
    case 'key':
    case 'grant':
      throw new DriverError(`the docker driver has no effect of kind ${action.kind}`, {
        code: 'kind-not-here',
      })
  }
}

async function running(site: Site, name: string, what: string): Promise<string> {
  const found = ours(site, 'container', await site.engine.container(name))
  if (found?.state.running === true && !found.state.paused) return found.id
  throw new DriverError(`${what} does not run`, { code: 'not-running', hint: 'bot-bottle apply' })
}

async function existing(site: Site, bottle: string) {
  const found = ours(site, 'container', await site.engine.container(liveNames.agent(site.stack, bottle)))
  if (found) return found
  throw new DriverError(`there is no agent container of ${bottle}`, {
    code: 'not-found',
    hint: 'bot-bottle apply',
  })
}
