/**
 * The agent protocol (draft-miller-ssh-agent) with one key: list it, sign with it, nothing else. The key is in this
 * process only; the socket lies in a folder that no other user may enter.
 */
import type { Socket } from 'node:net'
import { SshReader, sshString } from '../../src/model/ssh-wire.ts'
import type { SshKey } from './keys.ts'

const ASKED = { list: 11, sign: 13 } as const
const ANSWER = { failure: 5, list: 12, signature: 14 } as const
/** Longest question: what is signed is a few hundred bytes. */
const QUESTION_MAX = 64 * 1024

/** Answer to one question, both without their length. */
export function answerAgent(question: Buffer, key: SshKey | undefined): Buffer {
  const failure = Buffer.of(ANSWER.failure)
  if (key === undefined) return failure
  try {
    if (question[0] === ASKED.list && question.length === 1) {
      const one = Buffer.alloc(4)
      one.writeUInt32BE(1)
      return Buffer.concat([Buffer.of(ANSWER.list), one, sshString(key.blob), sshString('')])
    }
    if (question[0] !== ASKED.sign) return failure
    const fields = new SshReader(question.subarray(1))
    if (!fields.string().equals(key.blob)) return failure
    const data = fields.string()
    const signed = key.sign(data, fields.number())
    return signed === undefined ? failure : Buffer.concat([Buffer.of(ANSWER.signature), sshString(signed)])
  } catch {
    return failure
  }
}

/** Answers every question of one client until it goes. */
export function serveAgent(socket: Socket, key: () => SshKey | undefined): void {
  let held: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece: Buffer) => {
    held = Buffer.concat([held, piece])
    while (held.length >= 4) {
      const length = held.readUInt32BE(0)
      if (length > QUESTION_MAX) return socket.destroy()
      if (held.length < 4 + length) return
      socket.write(sshString(answerAgent(held.subarray(4, 4 + length), key())))
      held = held.subarray(4 + length)
    }
  })
}
