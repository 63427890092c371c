/** An action of which a part fails while the rest holds: MCP servers that an agent program does not take. */
import { afterEach, describe, expect, it } from 'vitest'
import { DriverError } from '../../../src/model/errors.ts'
import type { Action } from '../../../src/model/plan.ts'
import type { Driver, Effect } from '../../../src/ports/driver.ts'
import { changesAlone } from '../../../src/resources/guest/alone.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

let lab: Laboratory
afterEach(() => lab.close())

const plain = desiredOf({ dev: { routes: { 'a.example': [] } } })
const withServers: Desired = {
  ...plain,
  resources: plain.resources.map((resource) =>
    resource.kind === 'guest'
      ? { ...resource, spec: { ...(resource.spec as object), mcp: { files: { digest: 'one' } } } }
      : resource,
  ),
}

/** Its agent program takes no servers. */
function without(driver: Driver): Driver {
  return {
    ...driver,
    actuator(lease) {
      const actuator = driver.actuator(lease)
      return {
        ...actuator,
        async perform(action: Action, context): Promise<Effect> {
          const effect = await actuator.perform(action, context)
          const { mcp, ...fields } = effect.fields ?? {}
          if (action.kind !== 'guest' || mcp === undefined) return effect
          const short = new DriverError('it takes none', { code: 'mcp-registration' })
          return { ...effect, short, fields: { ...fields, mcpFailed: short.message } }
        },
      }
    },
  }
}

describe('servers that the agent program does not take', () => {
  it('fail their action and nothing else, and the next plan has nothing but them', async () => {
    lab = await laboratory()
    const drivers = new Map([['memory' as const, without(lab.driver)]])
    const events = await lab.run(withServers, { drivers })
    expect(told(events).slice(-2)).toEqual([expect.stringContaining('guest/dev failed'), 'ended failed'])
    const { actions } = await lab.planned(withServers)
    expect(actions.map(({ verb, address, impact }) => [verb, address, impact])).toEqual([
      ['update', 'guest/dev', 'next-start'],
    ])
    expect(actions.every((action) => changesAlone('mcp', action))).toBe(true)
    expect(actions[0]?.observed?.fields).toMatchObject({ mcpFailed: 'it takes none', probe: 'passed' })
  })

  it('are there after the next apply, and the failure is forgotten', async () => {
    lab = await laboratory()
    await lab.run(withServers, { drivers: new Map([['memory' as const, without(lab.driver)]]) })
    expect(told(await lab.run(withServers))).toEqual([expect.stringContaining('guest/dev'), 'ended done'])
    expect((await lab.planned(withServers)).actions).toEqual([])
  })
})
