/** The git gate as a process: as `sidecars/gate/main.ts`, but with a listener of its own, and folders and relay where it is told. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import type { GateConfig } from '../../src/model/gate.ts'
import { dialThroughUplink } from '../../sidecars/http/dial.ts'
import { controls } from '../../sidecars/gate/controls.ts'
import { createGate } from '../../sidecars/gate/gate.ts'
import { LINK_LIMITS } from '../../sidecars/gate/link.ts'
import { SCAN_LIMITS } from '../../sidecars/gate/scanners.ts'
import { serveScans } from '../../sidecars/gate/scan-thread.ts'

controls.seal()
const [, , dialSocket = '', work = '', relay = '', keptMs = ''] = process.argv
if (isMainThread) serveGate()
else serveScans()

function serveGate(): void {
  const gate = createGate({
    work,
    relay: [relay, 'relay'],
    scanner: new URL(import.meta.url),
    dial: dialThroughUplink(dialSocket),
    log: (line) => void process.send?.({ log: line }),
    limits:
      keptMs === ''
        ? {}
        : {
            link: { ...LINK_LIMITS, keptMs: Number(keptMs) },
            scan: { ...SCAN_LIMITS, keptMs: Number(keptMs) },
          },
  })
  process.on('message', (config: GateConfig) => {
    void gate.configure(config).then(() => process.send?.({ generation: config.generation }))
  })
  process.on('disconnect', () => process.exit(0))
  const server = createServer({ allowHalfOpen: true }, (socket) => gate.accept(socket))
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
}
