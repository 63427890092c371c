/** What one HTTP/2 connection may occupy: settings that are said to the peer, and limits of nghttp2 that are not. */
import type { ClientSessionOptions, ServerOptions, Settings } from 'node:http2'
import type { DoorLimits } from '../../http/limits.ts'

/** Streams at once on one connection. */
export const STREAMS = 64
/** Bytes that a stream may send before they are read; one that nobody reads cannot stop the others. */
const STREAM_WINDOW = 65_535
export const CONNECTION_WINDOW = STREAMS * STREAM_WINDOW
/** Resets of streams that are taken at once, and how many more each second. */
const RESETS = { burst: 200, perSecond: 20 } as const
/** Frames, and streams, with an error of their own before the connection ends. */
const ERRORS = 32

const saidTo = (limits: DoorLimits): Settings => ({
  enablePush: false,
  // RFC 8441: CONNECT with `:protocol` is not offered.
  enableConnectProtocol: false,
  initialWindowSize: STREAM_WINDOW,
  maxConcurrentStreams: STREAMS,
  maxHeaderListSize: limits.headBytes,
})

const shared = (limits: DoorLimits) => ({
  maxHeaderListPairs: limits.headFields,
  maxOutstandingPings: 8,
  maxSettings: 16,
  maxSendHeaderBlockLength: 2 * limits.headBytes,
  // Megabytes: the window, the heads of all streams, and what waits to be sent.
  maxSessionMemory: 12,
  strictFieldWhitespaceValidation: true,
})

export const serverOptions = (limits: DoorLimits): ServerOptions => ({
  ...shared(limits),
  settings: saidTo(limits),
  maxSessionInvalidFrames: ERRORS,
  maxSessionRejectedStreams: ERRORS,
  streamResetBurst: RESETS.burst,
  streamResetRate: RESETS.perSecond,
})

export const clientOptions = (limits: DoorLimits): ClientSessionOptions => {
  const { maxConcurrentStreams: _none, enableConnectProtocol: _never, ...settings } = saidTo(limits)
  return { ...shared(limits), settings, maxReservedRemoteStreams: 0 }
}
