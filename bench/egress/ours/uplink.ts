/**
 * The uplink as a process. One thing is not as in a container: the uplink refuses addresses of its own machine, where
 * the origin of the benchmark is; so what it judged and allowed is dialled at loopback.
 */
import { connectTo } from '../../../sidecars/uplink/connect.ts'
import { controls } from '../../../sidecars/uplink/controls.ts'
import { ownAddresses } from '../../../sidecars/uplink/own.ts'
import { resolveName } from '../../../sidecars/uplink/resolver.ts'
import { startUplink } from '../../../sidecars/uplink/uplink.ts'

controls.seal()
const folder = process.argv[2] ?? ''
await startUplink(
  { stack: 'bench', version: '0', volume: folder, run: `${folder}/run` },
  { resolve: resolveName, own: ownAddresses, connect: (_address, port) => connectTo('127.0.0.1', port) },
)
process.send?.({ ready: true })
