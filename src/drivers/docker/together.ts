/**
 * Parts of one effect at the same time. Like `Promise.all`, but it ends only when every part has ended: an effect that
 * failed must not go on making things behind the clean-up that follows.
 */
export async function together<const T extends readonly unknown[]>(
  parts: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ended = await Promise.allSettled(parts)
  const failed = ended.find((part) => part.status === 'rejected')
  if (failed) throw failed.reason
  return ended.map((part) => (part.status === 'fulfilled' ? part.value : undefined)) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}
