import { afterEach, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/model/address.ts'
import { liveNames } from '../../../src/model/names.ts'
import { docker, labStack, type LabStack } from '../docker/stack.ts'

let stack: LabStack | undefined
afterEach(async () => {
  await stack?.down()
  stack = undefined
})

const startsProgram = async (lab: LabStack) => {
  await lab.driver.startProgram(lab.name, 'a', { argv: ['/bin/true'], env: {} })
  return lab.driver.programStatus(lab.name, 'a')
}

describe('the probe before the agent program', () => {
  it('(NET-27) a way out that only the probe meets: the bottle was made and read back, then its namespace got a bridge', async () => {
    stack = await labStack()
    await stack.up('a')
    const holder = liveNames.holder(stack.name, 'a')
    docker('network', 'disconnect', 'none', holder)
    docker('network', 'connect', 'bridge', holder)
    await expect(stack.perform('guest/a' as Address)).rejects.toMatchObject({ code: 'probe-failed', exit: 4 })
    await expect(startsProgram(stack)).rejects.toThrow()
    await stack.perform('bottle/a' as Address, 'remove-then-create', 'recreate-holder')
    await stack.perform('bundle/a' as Address, 'remove-then-create', 'recreate-bundle')
    await stack.perform('guest/a' as Address)
    expect(await startsProgram(stack), 'control: without it the program starts').toMatchObject({
      ready: true,
    })
  })
})
