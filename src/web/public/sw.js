/**
 * The service worker shows what the server pushes and opens the page it is about. It keeps nothing and answers no
 * request of the app, so that no version of it can stand between people and a newer server.
 */
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  const { title, text, link, tag } = readMessage(event.data);
  event.waitUntil(
    self.registration.showNotification(title, {
      tag,
      data: { link },
      icon: '/mark.svg',
      ...(text ? { body: text } : {}),
    }),
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(toAddress(event.notification.data?.link)));
});

/** Browsers take the right to push away from who shows nothing, so there is a message for what cannot be read, too. */
function readMessage(data) {
  const unread = { title: 'There is something new', text: '', link: '/notifications', tag: 'unread' };
  try {
    const message = data?.json();
    return typeof message?.title === 'string' ? { ...unread, ...message } : unread;
  } catch {
    return unread; // not JSON: not from this server
  }
}

/** Only pages of this app are opened, whatever a message says. */
function toAddress(link) {
  const address = new URL(typeof link === 'string' ? link : '/notifications', self.location.origin);
  return address.origin === self.location.origin ? address.href : self.location.origin;
}

/** A window that is there already is used, so that nothing opens twice. */
async function open(address) {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const [first] = windows;
  if (!first) return self.clients.openWindow(address);
  await first.focus();
  return first.navigate(address).catch(() => self.clients.openWindow(address));
}
