/* The connection to the server: incoming events, and messages on their way out. */

const SILENCE_MS = 40_000; // The server sends a heartbeat every 15 seconds.
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const REQUEST_MS = 20_000;
// A stream that fails within this time of opening still counts as one long failure.
const STEADY_MS = 3_000;

/** A pause that doubles with every failure; a random part keeps pages from coming all at once. */
class Pause {
  #milliseconds = FIRST_PAUSE_MS;

  next() {
    const milliseconds = this.#milliseconds * (0.75 + Math.random() / 2);
    this.#milliseconds = Math.min(this.#milliseconds * 2, LONGEST_PAUSE_MS);
    return milliseconds;
  }

  reset() {
    this.#milliseconds = FIRST_PAUSE_MS;
  }
}

/**
 * The stream of events. Dispatches "online", "offline" and "lost" (the session is gone), and one
 * "event" with {name, data} for everything the server says.
 */
export class Events extends EventTarget {
  #source = null;
  #last = 0;
  #pause = new Pause();
  #timer = 0;
  #watchdog = 0;
  #stopped = true;

  /** Begins after the reply with the id `last`. */
  open(last) {
    this.#last = last;
    this.#stopped = false;
    this.#connect();
    addEventListener("online", () => this.retryNow());
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#wakeUp();
    });
  }

  /** Stays closed until the page is looked at again. */
  rest() {
    this.#stopped = true;
    this.#drop();
  }

  /** Connects at once instead of at the end of the pause. */
  retryNow() {
    if (this.#stopped || this.#source?.readyState === EventSource.OPEN) return;
    this.#connect();
  }

  #wakeUp() {
    if (this.#source?.readyState === EventSource.OPEN) return;
    this.#stopped = false;
    this.#connect();
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#source?.close();
    this.#source = null;
  }

  #connect() {
    this.#drop();
    const source = new EventSource(`chat/events?after=${this.#last}`);
    this.#source = source;
    for (const name of ["ready", "message", "typing", "said", "left", "superseded", "ping"]) {
      source.addEventListener(name, (event) => this.#hear(name, event));
    }
    // The browser's own reconnecting gives up on some errors; ours goes on.
    source.addEventListener("error", () => this.#fail());
    this.#watch();
  }

  #hear(name, event) {
    this.#watch();
    if (name === "ready") {
      this.#timer = setTimeout(() => this.#pause.reset(), STEADY_MS);
      this.dispatchEvent(new Event("online"));
    } else if (name !== "ping") {
      const data = JSON.parse(event.data);
      if (name === "message") this.#last = Math.max(this.#last, data.id);
      this.dispatchEvent(new CustomEvent("event", { detail: { name, data } }));
    }
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#fail(), SILENCE_MS);
  }

  async #fail() {
    this.#drop();
    if (this.#stopped) return;
    this.dispatchEvent(new Event("offline"));
    // An event source does not tell why it failed; an ordinary request does.
    const { status } = await loadHistory();
    if (this.#stopped || this.#source) return;
    if (status === 401) {
      this.rest();
      this.dispatchEvent(new Event("lost"));
    } else {
      this.#timer = setTimeout(() => this.#connect(), this.#pause.next());
    }
  }
}

/** What the server answered: `status` is 0 when there was no answer. */
async function request(path, body) {
  try {
    const response = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const data = response.status === 204 ? {} : await response.json();
    return { status: response.status, data };
  } catch {
    return { status: 0, data: {} };
  }
}

export const loadHistory = () => request("chat/history");
export const loadTexts = (language) => request(`chat/texts?language=${language}`);

const UPLOAD_MS = 120_000;

/** Sends a file; the server keeps it for the counsellors and tells why when it does not. */
export async function sendFile(id, file) {
  try {
    const response = await fetch(`chat/files?${new URLSearchParams({ id, name: file.name })}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: file,
      signal: AbortSignal.timeout(UPLOAD_MS),
    });
    return { status: response.status, data: await response.json() };
  } catch {
    return { status: 0, data: {} };
  }
}

export const leave = () => request("chat/leave", {});

/**
 * Messages on their way out, one at a time and in order. A message keeps its id, so that the
 * server takes it once however often it is sent. `report(message, state, problem)` is told of
 * each step: "sending", "waiting", "sent", "failed"; `lost()` that the session is gone.
 */
export class Outgoing {
  #queue = [];
  #isBusy = false;
  #timer = 0;
  #pause = new Pause();
  #report;
  #lost;

  constructor(report, lost) {
    this.#report = report;
    this.#lost = lost;
  }

  /** `message` is {id, text}, {id, button} or {id, place}, with the page's language. */
  send(message) {
    this.#queue.push(message);
    this.#report(message, "sending");
    this.flush();
  }

  /** Sends what waits; called when the connection is back. */
  async flush() {
    clearTimeout(this.#timer);
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#queue.length && (await this.#sendFirst())) this.#queue.shift();
    this.#isBusy = false;
  }

  /** Whether the first message is done with, one way or the other. */
  async #sendFirst() {
    const message = this.#queue[0];
    const { status, data } = await request("chat/messages", message);
    if (status === 202) {
      this.#pause.reset();
      this.#report(message, "sent");
      return true;
    }
    if (status === 0 || status === 429 || status >= 500) {
      const seconds = data.error?.retry_seconds ?? 0;
      for (const queued of this.#queue) this.#report(queued, "waiting", data.error?.message);
      this.#timer = setTimeout(() => this.flush(), Math.max(seconds * 1000, this.#pause.next()));
      return false;
    }
    this.#report(message, "failed", data.error?.message);
    if (status === 401) this.#lost();
    return true;
  }
}
