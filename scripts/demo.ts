/**
 * `npm run demo`: the main job on a real engine, then git on a real forge, then a real agent. Everything indented below
 * a `$` line is the real output of the program; lines that begin with `#` are the narrator's. Leaves engine and forge as
 * they were. `-- --no-git` leaves the forge out, `-- --no-agent` the agent.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { playAgent } from './demo/act-agent.ts'
import { playEgress } from './demo/act-egress.ts'
import { playGit } from './demo/act-git.ts'
import { engineObjects, expect, narrate } from './demo/stage.ts'

const root = join(import.meta.dirname, '..')
if (spawnSync('node', ['scripts/engine.ts', 'ensure'], { cwd: root, stdio: 'inherit' }).status !== 0)
  process.exit(8)

const started = Date.now()
const before = engineObjects()
await playEgress()
if (process.argv.includes('--no-git')) narrate('The second act, with git and a forge, is left out: --no-git.')
else await playGit()
if (process.argv.includes('--no-agent')) narrate('The third act, with an agent, is left out: --no-agent.')
else await playAgent()
expect('the engine is as before', engineObjects() === before)
narrate(
  process.exitCode
    ? 'The demo did not do what it says: see above.'
    : `The engine is as before: same containers, volumes, networks. ${Math.round((Date.now() - started) / 1000)} s in all.`,
)
