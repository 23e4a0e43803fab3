// The live desk: what changed comes as an event; the parts of the page are fetched again.

import { announce } from "./console.js";

const body = document.body;
const desk = document.querySelector(".desk");
const opened = Number(desk?.dataset.handover || 0);
const SOUND = "lotse.desk.sound";
const title = document.title;

// Drafts survive a reload, and belong to one conversation.
const draftKey = `lotse.draft.${opened}`;
const text = document.getElementById("text");
if (text) {
  text.value ||= sessionStorage.getItem(draftKey) || "";
  text.addEventListener("input", () => {
    sessionStorage.setItem(draftKey, text.value);
    sayTyping();
  });
}

let typedAt = 0;
function sayTyping() {
  if (Date.now() - typedAt < 4000 || !text.value) return;
  typedAt = Date.now();
  const headers = { "X-CSRF-Token": body.dataset.csrf };
  fetch(`/console/inbox/${opened}/typing`, { method: "POST", headers }).catch(() => {});
}

// Parts

async function fetchPart(id) {
  const part = document.getElementById(id);
  if (!part) return;
  try {
    const answer = await fetch(part.dataset.part, { headers: { "HX-Request": "true" } });
    if (answer.redirected || answer.status === 401) return location.reload();
    if (answer.ok) swap(id, await answer.text());
  } catch {
    // The stream tells when the server is back, and the parts are fetched then.
  }
}

function swap(id, html) {
  const part = document.getElementById(id);
  const focused = part.contains(document.activeElement)
    ? document.activeElement.closest("[data-line]")?.dataset.line : null;
  const messages = document.getElementById("messages");
  const kept = id === "thread" && !isAtEnd(messages) ? messages.scrollTop : null;
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById(id);
  if (!fresh) return;
  part.replaceWith(fresh);
  htmx.process(fresh);
  if (focused) fresh.querySelector(`[data-line="${focused}"]`)?.focus();
  if (id === "thread") settleThread(kept);
  if (id === "list") countUnread();
}

function isAtEnd(box) {
  return !box || box.scrollHeight - box.scrollTop - box.clientHeight < 80;
}

function settleThread(scrollTop = null) {
  const box = document.getElementById("messages");
  const thread = document.getElementById("thread");
  if (!box) return;
  box.scrollTop = scrollTop ?? box.scrollHeight;
  const may = thread.dataset.mayReply === "yes";
  document.getElementById("composer").hidden = !may;
  document.getElementById("no-composer").hidden = may;
}

const due = new Set();
let timer = null;
function refresh(...ids) {
  ids.forEach((id) => due.add(id));
  timer ??= setTimeout(() => {
    timer = null;
    const now = [...due];
    due.clear();
    now.forEach(fetchPart);
    countUnread();
  }, 100);
}

// The list carries the count; pages without a list ask for it.
async function countUnread() {
  const list = document.getElementById("list");
  if (list) return showUnread(Number(list.dataset.unread));
  try {
    const answer = await fetch("/console/inbox/unread");
    if (answer.ok) showUnread((await answer.json()).conversations);
  } catch {
    // Counted again with the next event.
  }
}

function showUnread(conversations) {
  const badge = document.getElementById("nav-unread");
  if (badge) {
    badge.hidden = !conversations;
    badge.textContent = conversations;
  }
  document.title = conversations ? `(${conversations}) ${title}` : title;
}

// Events

function listen() {
  const stream = new EventSource(`${body.dataset.live}?open=${opened}`);
  let lost = false;
  stream.addEventListener("ready", () => {
    body.dataset.stream = "open";
    if (lost) document.getElementById("toast")?.setAttribute("hidden", "");
    lost = false;
    // The thread is called for by the first event.
    refresh("list");
  });
  stream.addEventListener("changed", (event) => {
    const change = JSON.parse(event.data);
    refresh("list", ...(change.handovers.includes(opened) ? ["thread"] : []));
    const elsewhere = change.calling.some((id) => id !== opened || document.hidden);
    if (elsewhere) call(change.urgent, change.calling[0]);
  });
  stream.addEventListener("typing", (event) => showTyping(JSON.parse(event.data).name));
  stream.addEventListener("error", () => {
    body.dataset.stream = "lost";
    if (!lost) announce(body.dataset.offline);
    lost = true;
    // A stream that was refused stays closed; another one is opened later.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
  addEventListener("pagehide", () => stream.close());
}

let typingTimer = null;
function showTyping(name) {
  const line = document.getElementById("typing");
  if (!line) return;
  line.textContent = `${name} …`;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => (line.textContent = ""), 6000);
}

// Sound and notification. No word of what was written leaves the page.

const button = document.getElementById("notify");
if (button) {
  button.hidden = false;
  showSound();
  button.addEventListener("click", async () => {
    const on = localStorage.getItem(SOUND) !== "on";
    localStorage.setItem(SOUND, on ? "on" : "off");
    showSound();
    if (!on) return;
    beep(false);
    if ("Notification" in window && Notification.permission === "default") {
      await Notification.requestPermission();
    }
  });
}

function showSound() {
  button.setAttribute("aria-pressed", String(localStorage.getItem(SOUND) === "on"));
}

function call(urgent, id) {
  if (localStorage.getItem(SOUND) !== "on") return;
  beep(urgent);
  if (document.hidden && "Notification" in window && Notification.permission === "granted") {
    const words = document.querySelector(".pane h1")?.textContent || "Inbox";
    const note = new Notification(`Lotse: ${words}`, { tag: `lotse-${id}`, renotify: true });
    note.onclick = () => {
      focus();
      location.href = `/console/inbox/${id}`;
    };
  }
}

let audio = null;
function beep(urgent) {
  try {
    audio ??= new AudioContext();
    const times = urgent ? [0, 0.25, 0.5] : [0];
    for (const start of times) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = urgent ? 880 : 620;
      volume.gain.setValueAtTime(0.12, audio.currentTime + start);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + start + 0.2);
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + start);
      tone.stop(audio.currentTime + start + 0.22);
    }
  } catch {
    // A browser without sound still shows the count.
  }
}

// Writing

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.closest?.("#composer") && event.detail.successful && event.detail.requestConfig.verb === "post") {
    if (event.detail.elt.id === "reply") {
      text.value = "";
      sessionStorage.removeItem(draftKey);
    }
    document.getElementById("drawer").replaceChildren();
    text.focus();
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  // The drawer takes room from the messages, of which the last ones are wanted.
  if (event.detail.target.id === "drawer") settleThread();
  if (event.detail.target.id !== "thread") return;
  settleThread();
  // The next reply is another form.
  document.querySelector('#reply input[name="key"]').value =
    document.getElementById("thread").dataset.key;
  refresh("list");
});

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-insert], [data-close-drawer]");
  if (!target) return;
  if (target.matches("[data-insert]")) {
    const words = target.closest(".answer").querySelector("[data-theirs]").textContent;
    text.value = text.value ? `${text.value}\n${words}` : words;
    text.dispatchEvent(new Event("input"));
  }
  document.getElementById("drawer").replaceChildren();
  text.focus();
});

document.addEventListener("input", (event) => {
  const selector = event.target.dataset?.filter;
  if (!selector) return;
  const wanted = event.target.value.toLowerCase();
  for (const one of document.querySelectorAll(selector)) {
    one.hidden = !one.textContent.toLowerCase().includes(wanted);
  }
});

// Keys

document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === text) {
    event.preventDefault();
    document.getElementById("reply").requestSubmit();
  } else if (event.key === "Escape") {
    document.getElementById("drawer")?.replaceChildren();
    field?.blur();
  }
  if (field || event.ctrlKey || event.metaKey || event.altKey) return;
  const doing = {
    j: () => step(1),
    k: () => step(-1),
    r: () => text?.focus(),
    n: () => document.getElementById("note")?.focus(),
    "/": () => (location.href = "/console/inbox/search"),
  }[event.key] || pressing(event.key);
  if (doing) {
    event.preventDefault();
    doing();
  }
});

function pressing(key) {
  const target = [...document.querySelectorAll("button[data-key]")].find(
    (one) => one.dataset.key === key && one.checkVisibility(),
  );
  return target && (() => target.click());
}

function step(by) {
  const lines = [...document.querySelectorAll("[data-line]")];
  const at = lines.findIndex((line) => line === document.activeElement || line.ariaCurrent === "true");
  lines[Math.min(Math.max(at + by, 0), lines.length - 1)]?.focus();
}

settleThread();
if (body.dataset.live) {
  countUnread();
  listen();
}
