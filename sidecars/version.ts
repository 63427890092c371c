/** The version a sidecar answers with: baked in when the image is built, that of package.json in a checkout. */
import { readFileSync } from 'node:fs'

declare const BOT_BOTTLE_VERSION: string | undefined

export const VERSION: string = typeof BOT_BOTTLE_VERSION === 'string' ? BOT_BOTTLE_VERSION : checkoutVersion()

function checkoutVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version)
  throw new Error('package.json has no version')
}
