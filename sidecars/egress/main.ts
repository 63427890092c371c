/**
 * The egress daemon of a bundle. It opens no listener, reads no file and no environment variable, and ends with its
 * supervisor.
 */
import { CONTROL_SOCKETS } from '../../src/model/control.ts'
import { controls } from '../policy/controls.ts'
import { startDaemon } from './daemon.ts'
import { begin } from './snapshot.ts'

begin(() => {
  controls.seal()
  startDaemon(`/uplink/${CONTROL_SOCKETS.uplinkDial}`)
})
