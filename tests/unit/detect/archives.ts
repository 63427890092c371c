/** Zip archives as they lie in uploads, written by hand: what a packer would not write can be written too. */
import { crc32, deflateRawSync } from 'node:zlib'

const DEFLATED = 8
const SIZE_FOLLOWS = 8

/** A local file header and its content (APPNOTE 6.3.10, 4.3.7); `flags` as in 4.4.4, `method` as in 4.4.5. */
export function zipMember(
  name: string,
  content: string | Buffer,
  { flags = 0, method = DEFLATED }: { readonly flags?: number; readonly method?: number },
): Buffer {
  const plain = Buffer.from(content as string)
  const packed = method === DEFLATED ? deflateRawSync(plain) : plain
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt16LE(method, 8)
  const isKnown = (flags & SIZE_FOLLOWS) === 0
  header.writeUInt32LE(isKnown ? crc32(plain) : 0, 14)
  header.writeUInt32LE(isKnown ? packed.length : 0, 18)
  header.writeUInt32LE(isKnown ? plain.length : 0, 22)
  header.writeUInt16LE(Buffer.byteLength(name), 26)
  return Buffer.concat([header, Buffer.from(name), packed])
}

/** Members and the central directory's beginning, which is all that a reader of members sees. */
export const zipArchive = (members: Readonly<Record<string, string | Buffer>>): Buffer =>
  Buffer.concat([
    ...Object.entries(members).map(([name, content]) => zipMember(name, content, {})),
    Buffer.from('PK\u0001\u0002'),
    Buffer.alloc(42),
    Buffer.from('PK\u0005\u0006'),
    Buffer.alloc(18),
  ])
