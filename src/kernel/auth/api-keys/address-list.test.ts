/** A key counts in its networks and nowhere else. */
import { expect, test } from 'vitest';
import { isAddressAllowed, parseNetwork } from './address-list.ts';

test('[K2.7] an address is allowed in its networks, mapped IPv4 as itself, and nowhere else', () => {
  const networks = ['203.0.113.0/24', '2001:db8::/32', '198.51.100.7'];
  for (const address of ['203.0.113.9', '::ffff:203.0.113.9', '2001:db8:1::1', '198.51.100.7'])
    expect([address, isAddressAllowed(address, networks)]).toEqual([address, true]);
  for (const address of ['203.0.114.9', '2001:db9::1', '198.51.100.8', '::cb00:7109', 'nonsense', '', undefined])
    expect([address, isAddressAllowed(address, networks)]).toEqual([address, false]);
});

test('[K2.7] an IPv4 network in the form of IPv6 is that network, and one that is wider than IPv4 is none', () => {
  const networks = ['::ffff:203.0.113.0/120', '::ffff:198.51.100.7'];
  for (const address of ['203.0.113.9', '::ffff:203.0.113.9', '198.51.100.7'])
    expect([address, isAddressAllowed(address, networks)]).toEqual([address, true]);
  for (const address of ['203.0.114.9', '198.51.100.8', '::1'])
    expect([address, isAddressAllowed(address, networks)]).toEqual([address, false]);
  for (const text of ['::ffff:0:0/64', '::ffff:203.0.113.0/95'])
    expect([text, parseNetwork(text)]).toEqual([text, null]);
});

test('[K2.7] an empty list allows every address', () => {
  expect(isAddressAllowed('203.0.113.9', [])).toBe(true);
  expect(isAddressAllowed(undefined, [])).toBe(true);
});

test('[K2.7] what is no network is told from one', () => {
  for (const text of ['10.0.0.0/8', '10.0.0.1', '::1', 'fe80::/10'])
    expect([text, parseNetwork(text)]).not.toEqual([text, null]);
  const odd = [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '010.0.0.0/8',
    '127.1/8',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
  ];
  for (const text of ['', '10', '127.1', '0x7f000001', '010.0.0.1', 'example.com', ...odd])
    expect([text, parseNetwork(text)]).toEqual([text, null]);
});
