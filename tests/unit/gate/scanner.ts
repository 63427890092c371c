/** What the gate's main program is to its threads, with switches that tests may use. */
import { serveScans } from '../../../sidecars/gate/scan-thread.ts'

serveScans()
