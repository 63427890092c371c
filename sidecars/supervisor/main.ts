/** Process 1 of a bundle: `main --bottle NAME --daemon egress=UID [--daemon …] --version V`. */
import process from 'node:process'
import { VERSION } from '../version.ts'
import { parseSupervisorArguments } from './arguments.ts'
import { controls } from './controls.ts'
import { startSupervisor } from './supervisor.ts'

controls.seal()
/** Process 1 ignores signals that it does not ask for; this one must also work while starting. */
let stopping = false
const started = startSupervisor(parseSupervisorArguments(process.argv.slice(2), VERSION))
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(0), 900).unref()
    void started.then((supervisor) => supervisor.stop()).finally(() => process.exit(0))
  })
}
await started
