/**
 * DER of the few structures a certificate needs. node-forge's `asn1` does the encoding (it knows no EC, so keys
 * and signatures are node:crypto's); only this file knows that it works on binary strings.
 */
import asn1 from 'node-forge/lib/asn1.js'

export type Der = ReturnType<typeof asn1.create>

const { Class, Type } = asn1

const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

export const der = {
  sequence: (...members: readonly Der[]): Der =>
    asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...members]),
  set: (...members: readonly Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SET, true, [...members]),
  /** Non-negative, big-endian. */
  integer: (bytes: Uint8Array): Der => {
    let start = 0
    while (start < bytes.length - 1 && bytes[start] === 0) start++
    const magnitude = bytes.subarray(start)
    const padded = (magnitude[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), magnitude]) : magnitude
    return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, binary(padded))
  },
  boolean: (value: boolean): Der =>
    asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, value ? '\u00ff' : '\u0000'),
  oid: (dotted: string): Der =>
    asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes()),
  octets: (bytes: Uint8Array): Der => asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, binary(bytes)),
  /** `unused`: bits at the end of the last byte that do not count. */
  bits: (bytes: Uint8Array, unused = 0): Der =>
    asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, String.fromCharCode(unused) + binary(bytes)),
  utf8: (text: string): Der => asn1.create(Class.UNIVERSAL, Type.UTF8, false, binary(Buffer.from(text))),
  /** UTCTime until 2049, GeneralizedTime from then (RFC 5280, 4.1.2.5). */
  time: (at: Date): Der =>
    at.getUTCFullYear() < 2050
      ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(at) as unknown as string)
      : asn1.create(
          Class.UNIVERSAL,
          Type.GENERALIZEDTIME,
          false,
          asn1.dateToGeneralizedTime(at) as unknown as string,
        ),
  /** Context-specific, constructed (EXPLICIT, or IMPLICIT of a constructed type). */
  tagged: (tag: number, ...members: readonly Der[]): Der =>
    asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [...members]),
  /** Context-specific, primitive (IMPLICIT of a primitive type). */
  taggedBytes: (tag: number, bytes: Uint8Array): Der =>
    asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes)),
  /** An element that is already encoded. */
  raw: (bytes: Uint8Array): Der =>
    asn1.fromDer(binary(bytes), { strict: true, parseAllBytes: true, decodeBitStrings: false } as never),
} as const

export function encodeDer(element: Der): Buffer {
  return Buffer.from(asn1.toDer(element).getBytes(), 'latin1')
}

/** Members of a constructed element; throws on a primitive one. */
export function membersOf(element: Der | undefined): readonly Der[] {
  if (element === undefined || !Array.isArray(element.value))
    throw new Error('certificate has another shape than expected')
  return element.value
}

/** Content of a primitive element; throws on a constructed one. */
export function bytesOf(element: Der | undefined): Buffer {
  if (element === undefined || typeof element.value !== 'string')
    throw new Error('certificate has another shape than expected')
  return Buffer.from(element.value, 'latin1')
}

/** Context-specific tag number, or -1. */
export function tagOf(element: Der): number {
  return element.tagClass === Class.CONTEXT_SPECIFIC ? element.type : -1
}

/** Whether an element is the object identifier given. */
export function isOid(element: Der | undefined, dotted: string): boolean {
  return (
    element?.type === Type.OID && typeof element.value === 'string' && asn1.derToOid(element.value) === dotted
  )
}
