/** The egress daemon as a bundle has it, but for the place of the uplink's socket, which is its argument. */
import { sealControls } from '../../sidecars/egress/controls.ts'
import { startDaemon } from '../../sidecars/egress/daemon.ts'

sealControls()
startDaemon(process.argv[2] ?? '')
