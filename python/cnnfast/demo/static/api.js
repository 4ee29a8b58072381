/** Requests to the server, by addresses relative to the page, which has the token. */

/** @param {string} path @returns {Promise<any>} */
export function get(path) {
  return request(path, {});
}

/** @param {string} path @param {BodyInit|object} body bytes, or an object that is sent as JSON */
export function post(path, body = {}) {
  const raw = body instanceof Blob || ArrayBuffer.isView(body);
  return request(path, { method: "POST", body: raw ? body : JSON.stringify(body) });
}

async function request(path, options) {
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer: is cnnfast demo still running?");
  }
  const found = await reply.json();
  if (!reply.ok) throw new Error(found.error);
  return found;
}

/**
 * Calls a function with the newest argument only: while a call runs, later ones replace the waiting one.
 *
 * @param {(argument: any) => Promise<void>} work
 */
export function newest(work) {
  let running = false;
  let waiting = null;
  return async function call(argument) {
    if (running) {
      waiting = { argument };
      return;
    }
    running = true;
    try {
      await work(argument);
    } finally {
      running = false;
      if (waiting) {
        const next = waiting;
        waiting = null;
        call(next.argument);
      }
    }
  };
}
