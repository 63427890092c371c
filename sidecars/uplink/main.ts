/** The uplink of a stack: `main --stack NAME --version V`. */
import process from 'node:process'
import { VERSION } from '../version.ts'
import { parseUplinkArguments } from './arguments.ts'
import { controls } from './controls.ts'
import { startUplink } from './uplink.ts'

controls.seal()
const started = startUplink(parseUplinkArguments(process.argv.slice(2), VERSION))
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void started.then((uplink) => uplink.stop()).finally(() => process.exit(0)))
}
await started
