/** A whole program in a process of its own, over a world in a file: applies a stack and ends itself with SIGKILL at the n-th call that a driver gets or row that the journal gets. */
import { join } from 'node:path'
import { fileWorld } from '../../../src/drivers/memory/world.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory } from './laboratory.ts'

const [dir = '', shape = '{}', killAt = '0', moment = 'before'] = process.argv.slice(2)
let reached = 0
const point = () => {
  if (++reached === Number(killAt)) process.kill(process.pid, 'SIGKILL')
}
const lab = await laboratory({
  dir,
  world: fileWorld(join(dir, 'world.json')),
  ...(moment === 'call' && { onCall: point }),
})
const journal = {
  ...lab.journal,
  begin: (...args: Parameters<typeof lab.journal.begin>) => {
    const row = lab.journal.begin(...args)
    if (moment === 'before') point()
    return row
  },
  end: (...args: Parameters<typeof lab.journal.end>) => {
    if (moment === 'after') point()
    lab.journal.end(...args)
  },
}
const desired = desiredOf(JSON.parse(shape))
await lab.run(desired, { journal })
const left = (await lab.planned(desired)).actions.length
process.stdout.write(`${JSON.stringify({ reached, left, pending: lab.journal.pending().length })}\n`)
lab.close(true)
