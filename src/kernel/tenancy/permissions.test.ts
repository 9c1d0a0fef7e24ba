/** Roles hold exactly what the apps give them. */
import { expect, test } from 'vitest';
import { permissionsOf } from './permissions.ts';

const desk = {
  permissions: { 'desk.ticket.read': 'See tickets', 'desk.ticket.write': 'Answer tickets' },
  policy: { owner: ['desk.ticket.read', 'desk.ticket.write'], admin: [], member: ['desk.ticket.read'], viewer: [] },
};
const shop = {
  permissions: { 'shop.sale.read': 'See sales' },
  policy: { owner: ['shop.sale.read'], admin: [], member: [], viewer: [] },
};

test('[K3.5] a role holds what the apps give it, and nothing else', () => {
  expect([...permissionsOf('owner', [desk, shop])]).toEqual([
    'desk.ticket.read',
    'desk.ticket.write',
    'shop.sale.read',
  ]);
  expect([...permissionsOf('member', [desk, shop])]).toEqual(['desk.ticket.read']);
  expect(permissionsOf('viewer', [desk, shop]).size).toBe(0);
});

test('[K3.5] a policy that names an undeclared permission is an error, not a silent nothing', () => {
  const misspelt = { ...shop, policy: { ...shop.policy, admin: ['shop.sales.read'] } };
  expect(() => permissionsOf('admin', [misspelt])).toThrow('shop.sales.read');
  expect(() => permissionsOf('admin', [{ ...shop, policy: { ...shop.policy, admin: ['toString'] } }])).toThrow(
    'toString',
  );
});
