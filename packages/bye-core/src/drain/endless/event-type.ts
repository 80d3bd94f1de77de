/** What is an event stream (HTML, 9.2). */

const TYPE = 'text/event-stream';

/** `EventSource` always says so. */
export function asksForEvents({ accept }: { readonly accept?: string | undefined }): boolean {
  return accept?.includes(TYPE) ?? false;
}

/** @param contentType the value of the header */
export function isEventStream(contentType: unknown): boolean {
  return typeof contentType === 'string' && contentType.trim().toLowerCase().startsWith(TYPE);
}
