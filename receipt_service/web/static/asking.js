// What the page asks its own host for: no cookie, no referrer, no redirection followed.

/** No answer, or not an answer that was asked for. */
export class Unreachable extends Error {}

/** It was there, and has been kept as long as it may be. */
export class Erased extends Error {}

/** Read a document: null for "not found", Erased for "gone", Unreachable for everything else that is no answer. */
export async function get(address, patience) {
  const signal = patience === undefined ? undefined : AbortSignal.timeout?.(patience);
  const how = { credentials: "omit", referrerPolicy: "no-referrer", redirect: "error", signal };
  try {
    const answer = await fetch(address, how);
    if (answer.status === 404) return null;
    if (answer.status === 410) throw new Erased();
    if (!answer.ok) throw new Unreachable();
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw error instanceof Erased ? error : new Unreachable();
  }
}
