/** Reads server-sent events from a response as a browser does: frames, comments ignored, ids kept. */

export interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** readFrames yields each complete frame; what a broken connection left half is dropped, as the standard says. */
export async function* readFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of body) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const frame = parseFrame(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (frame) yield frame;
    }
  }
}

function parseFrame(text: string): Frame | null {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const id = fields.get('id');
  if (id === undefined) return null;
  return { id, event: fields.get('event') ?? 'message', data: fields.get('data') ?? '' };
}
