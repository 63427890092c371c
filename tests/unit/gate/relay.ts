/** Stands in for the static helper's `relay`: standard streams to a Unix socket and back. */
import { connect } from 'node:net'

const socket = connect({ path: process.argv[2] ?? '', allowHalfOpen: true })
process.stdin.pipe(socket)
socket.pipe(process.stdout)
socket.on('error', () => process.exit(5))
socket.on('close', () => process.exit(0))
