import { expect, it } from 'vitest'
import { addressOfHop } from '../../src/http/request/forwarded.js'

it.each([
  ['203.0.113.9', '203.0.113.9'],
  [' 203.0.113.9 ', '203.0.113.9'],
  ['203.0.113.9:4711', '203.0.113.9'],
  ['203.0.113.9:', '203.0.113.9'],
  ['"203.0.113.9:4711"', '203.0.113.9'],
  ['2001:db8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['"[2001:DB8::1]:443"', '2001:DB8::1'],
  ['[fe80::1%eth0]:443', 'fe80::1'],
  ['fe80::1%25eth0', 'fe80::1'],
  ['::ffff:203.0.113.9', '::ffff:203.0.113.9'],
  ['', 'unknown'],
  ['""', 'unknown'],
  ['unknown', 'unknown'],
  ['_hidden', '_hidden'],
  ['203.0.113.9:port', '203.0.113.9:port'],
  ['[2001:db8::1', '[2001:db8::1'],
  ['client.example:80', 'client.example:80'],
])('reads the hop %j of X-Forwarded-For as %j', (hop, address) => {
  expect(addressOfHop(hop)).toBe(address)
})
