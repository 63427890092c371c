/** What speaks HTTP/2, loaded with this module. An import would be loaded at the start of the daemon: made one file, all imports of node's own modules stand at its top. */
const http2 = process.getBuiltinModule('node:http2')

export const { connect, constants, performServerHandshake } = http2
export const sensitiveHeaders: typeof http2.sensitiveHeaders = http2.sensitiveHeaders
