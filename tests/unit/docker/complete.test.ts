/** What an image has to bring along for an agent, judged from a look at it. */
import { describe, expect, it } from 'vitest'
import {
  accountEntries,
  OF_EVERY_IMAGE,
  requireComplete,
  type Need,
} from '../../../src/drivers/docker/images/complete.ts'
import type { ImageLook } from '../../../src/drivers/docker/images/look.ts'
import { DriverError } from '../../../src/model/errors.ts'

const ROOT = 'root:x:0:0:root:/root:/bin/sh'
const WHOLE: ImageLook = {
  passwd: `${ROOT}\nagent:x:1000:1000::/home/agent:/bin/sh\n`,
  group: 'root:x:0:\nagent:x:1000:\n',
  distributions: ['debian'],
  has: { shell: true, git: true, node: true, store: true, glibc: true },
}
const without = (...names: readonly (keyof ImageLook['has'])[]): ImageLook => ({
  ...WHOLE,
  has: { ...WHOLE.has, ...Object.fromEntries(names.map((name) => [name, false])) },
})

function refusal(look: ImageLook, needs: readonly Need[] = [...OF_EVERY_IMAGE, 'user', 'glibc', 'node']) {
  try {
    requireComplete('the image that ./D makes', look, needs)
  } catch (error) {
    if (error instanceof DriverError) return { code: error.code, message: error.message, hint: error.hint }
    throw error
  }
  return undefined
}

describe('an image', () => {
  it('with everything is taken', () => expect(refusal(WHOLE)).toBeUndefined())

  it('is refused with all that it lacks at once', () =>
    expect(refusal(without('git', 'store'))).toEqual({
      code: 'image-incomplete',
      message: 'the image that ./D makes has no git on its PATH, no certificate store of its distribution',
      hint: 'write in the Dockerfile: RUN apt-get update && apt-get install -y git ca-certificates',
    }))

  it.each([
    [['alpine'], 'write in the Dockerfile: RUN apk add git'],
    [['rocky', 'rhel', 'centos', 'fedora'], 'write in the Dockerfile: RUN dnf install -y git'],
    [['made-at-home'], 'install git in the image'],
    [[], 'install git in the image'],
  ])('of %j is told how packages are installed there', (distributions, hint) =>
    expect(refusal({ ...without('git'), distributions })?.hint).toBe(hint),
  )

  it.each([
    [
      without('glibc'),
      'no glibc, which the program is linked with',
      'begin with FROM ${BOT_BOTTLE_BASE}, or with an image of Debian, Ubuntu or Fedora',
    ],
    [
      { ...WHOLE, passwd: ROOT },
      'no user with uid 1000',
      'keep this line in /etc/passwd: agent:x:1000:1000::/home/agent:/bin/sh',
    ],
    [
      without('node'),
      'no node on its PATH',
      'write in the Dockerfile: RUN apt-get update && apt-get install -y nodejs',
    ],
  ])('is told what to write where something else is missing', (look, lack, hint) => {
    expect(refusal(look)?.message).toBe(`the image that ./D makes has ${lack}`)
    expect(refusal(look)?.hint).toBe(hint)
  })

  it('needs only what its program needs', () =>
    expect(refusal(without('glibc', 'node'), OF_EVERY_IMAGE)).toBeUndefined())
})

describe('the agent in the list of users', () => {
  const lines = (look: ImageLook) =>
    Object.fromEntries(
      accountEntries(look).map((entry) => [entry.path, 'content' in entry ? String(entry.content) : '']),
    )

  it('stays as it is where its home folder is right', () => expect(accountEntries(WHOLE)).toEqual([]))

  it('comes behind root and before another user with its uid, who keeps his name', () =>
    expect(
      lines({ ...WHOLE, passwd: `${ROOT}\nnode:x:1000:1000::/home/node:/bin/bash\n`, group: 'root:x:0:\n' }),
    ).toEqual({
      'etc/passwd': `${ROOT}\nagent:x:1000:1000::/home/agent:/bin/sh\nnode:x:1000:1000::/home/node:/bin/bash\n`,
      'etc/group': 'root:x:0:\nagent:x:1000:\n',
    }))

  it('is the only one where there is no list', () =>
    expect(lines({ ...WHOLE, passwd: '', group: '' })).toEqual({
      'etc/passwd': 'agent:x:1000:1000::/home/agent:/bin/sh\n',
      'etc/group': 'agent:x:1000:\n',
    }))
})
