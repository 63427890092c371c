import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

describe('freeze', () => {
  it('says that a driver cannot', async () => {
    await program.run('apply', { env: TOKEN })
    const { code, stderr } = await program.run('freeze implementer', { env: TOKEN })
    expect([code, stderr]).toEqual([4, expect.stringContaining('driver memory freezes no bottles')])
  })

  it('takes no name that no image can have, before it looks at anything', async () => {
    program.faults.add({ call: 'observe', moment: 'before' })
    const { code, stderr } = await program.run(['freeze', 'implementer', '--tag', 'Über'], { env: TOKEN })
    expect([code, stderr]).toEqual([2, expect.stringContaining('--tag takes small letters')])
  })
})
