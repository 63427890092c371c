/** What stands between the two ends for the payloads of one direction: a scan, or the masking of our credentials. */
import type { BodyScan, Finding } from '../../detect/scan.ts'
import { refuseFinding } from '../exchange/request.ts'
import { Scrubber } from '../secrets/scrub.ts'
import type { Matcher } from '../secrets/scrub.ts'
import type { MessageType } from './frames.ts'
import { mended, Utf8Mender } from './utf8.ts'

type OneSearch = Pick<BodyScan, 'push' | 'end'>
/** A search for one message; `length`: its bytes, where they are known before its end. */
export type Search = (length: number | undefined) => OneSearch | undefined

interface Started {
  readonly search: OneSearch | undefined
  /** Of a text that may be masked. */
  readonly mender: Utf8Mender | undefined
}

/** Payloads of one direction, each message through a search of its own. Text stays well-formed, also where it is masked. */
export class Passing {
  readonly #search: Search
  #message: Started | undefined

  constructor(search: Search) {
    this.#search = search
  }

  /** What of a message may go on now; throws Refuse. */
  message(type: MessageType, bytes: Buffer, last: boolean): Buffer {
    const { search, mender } = (this.#message ??= this.#begin(type, last ? bytes.length : undefined))
    if (last) this.#message = undefined
    if (search === undefined) return bytes
    const passed = through(search, bytes, last)
    if (mender === undefined) return passed
    return last ? joined(mender.push(passed), mender.end()) : mender.push(passed)
  }

  /** A payload of a ping or pong, or the reason of a close; throws Refuse. */
  control(bytes: Buffer, text: boolean): Buffer {
    const search = bytes.length === 0 ? undefined : this.#search(bytes.length)
    if (search === undefined) return bytes
    const passed = through(search, bytes, true)
    return text ? mended(passed) : passed
  }

  #begin(type: MessageType, length: number | undefined): Started {
    const search = this.#search(length)
    return { search, mender: search && type === 'text' ? new Utf8Mender() : undefined }
  }
}

/** Masks the credentials of all matchers, as they are when a message begins, in one message after the other. */
export const scrubbing =
  (matchers: () => readonly Matcher[]): Search =>
  () =>
    matchers().reduce<OneSearch | undefined>(
      (before, matcher) => chained(before, new Scrubber(matcher)),
      undefined,
    )

/** What the one lets through goes through the other. */
function chained(before: OneSearch | undefined, after: Scrubber): OneSearch {
  if (before === undefined) return after
  return {
    push(piece) {
      const passed = before.push(piece)
      return Buffer.isBuffer(passed) ? after.push(passed) : passed
    },
    end() {
      const passed = before.end()
      return Buffer.isBuffer(passed) ? joined(after.push(passed), after.end()) : passed
    },
  }
}

function through(search: OneSearch, bytes: Buffer, last: boolean): Buffer {
  const passed = must(search.push(bytes))
  return last ? joined(passed, must(search.end())) : passed
}

function must(passed: Buffer | Finding): Buffer {
  if (Buffer.isBuffer(passed)) return passed
  throw refuseFinding(passed)
}

const joined = (one: Buffer, two: Buffer): Buffer =>
  two.length === 0 ? one : one.length === 0 ? two : Buffer.concat([one, two])
