/** The egress daemon as a bundle has it, but for the place of the uplink's socket, which is its argument. */
import { controls } from '../../sidecars/policy/controls.ts'
import { startDaemon } from '../../sidecars/egress/daemon.ts'

controls.seal()
startDaemon(process.argv[2] ?? '')
