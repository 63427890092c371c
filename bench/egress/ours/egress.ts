/** The egress door as a process: as `sidecars/egress/main.ts`, but with a listener of its own and the dial socket where it is told. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { EgressConfig } from '../../../src/model/control.ts'
import { controls } from '../../../sidecars/policy/controls.ts'
import { dialThroughUplink } from '../../../sidecars/http/dial.ts'
import { createEgress } from '../../../sidecars/egress/egress.ts'
import { begin } from '../../../sidecars/egress/snapshot.ts'

begin(() => {
  controls.seal()
  const egress = createEgress({
    dial: dialThroughUplink(process.argv[2] ?? ''),
    log: (line) => void process.send?.({ log: line }),
    spend: (spent) => void process.send?.({ spent }),
  })
  process.on('message', (config: EgressConfig) => {
    egress.configure(config)
    const server = createServer((socket) => egress.accept('proxy', socket))
    server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ ready: true })
})
