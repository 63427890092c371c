/**
 * Tokens of a company's own services, as an example of a detector: what they look like, and nothing that runs on a
 * request. Rules are `plugin/detector-example/<id>`. A token does not stand whole in here: texts are in parts that are
 * joined, with templates (`{base62:30}`: so many signs; `{crc32:24}`: so many, and their checksum) for what varies.
 *
 * @import { Detector } from './plugin.d.ts'
 */

/** @type {Detector} */
export default {
  shapes: [
    {
      id: 'service-token',
      vendor: 'Example Company',
      title: 'token of an internal service',
      // One of these stands in every token. The longer, the less there is to look at.
      anchors: ['exco_live_', 'exco_test_'],
      // Literals, classes, groups, `|`, `{n}`, `{n,m}` and `?`: every match has a longest length.
      pattern: 'exco_(?:live|test)_[0-9A-Za-z]{30}',
      // The last six signs are a checksum of those before: what only looks alike is let through.
      checksum: 'crc32-base62',
      source: 'https://wiki.example.com/service-tokens',
      // Tried whenever the detector is read: each of the first is found, none of the second.
      samples: {
        true: [
          ['exco_', 'live_{crc32:24}'],
          ['{"token":"exco_', 'test_{crc32:24}"}'],
          ['Authorization: Bearer exco_', 'live_{crc32:24}\r\nAccept: */*\r\n'],
        ],
        alike: [
          ['exco_', 'live_{base62:30}'],
          ['exco_', 'prod_{crc32:24}'],
          ['exco_live_', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
        ],
      },
    },
    {
      id: 'build-cookie',
      vendor: 'Example Company',
      title: 'cookie of the build farm',
      anchors: ['excobuild='],
      // A capture is the value: checksum, entropy and `documented` look at it alone.
      pattern: 'excobuild=([0-9a-f]{40})',
      after: '[0-9a-f]',
      source: 'https://wiki.example.com/build-farm',
      // Printed in the company's handbook: nobody's secret.
      documented: [['da39a3ee5e6b4b0d3255', 'bfef95601890afd80709']],
      samples: {
        true: [
          ['Cookie: exco', 'build={hex:40}\r\n'],
          ['excobuild', '={hex:40}; Path=/'],
          ['curl -b excobuild', '={hex:40}\n'],
        ],
        alike: [
          ['excobuild', '={hex:39}'],
          ['excobuild', '={hex:64}'],
          ['excobuild=', '0000000000000000000000000000000000000000'],
        ],
      },
    },
  ],
}
