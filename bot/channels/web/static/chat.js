/* The chat page: puts what is seen and the connection together. */

import { canLocate, locate } from "./place.js";
import { Events, Outgoing, leave, loadHistory, loadTexts, sendFile } from "./transport.js";
import { View } from "./view.js";

// A connection that is back at once is not worth a word.
const CALM_MS = 1_200;
const GOOD_NEWS_MS = 2_500;
const HISTORY_PAUSE_MS = 3_000;

const byId = (id) => document.getElementById(id);
const field = byId("text");
const hasKeyboard = matchMedia("(pointer: fine)").matches;

let page = JSON.parse(document.documentElement.dataset.page);
let chosenLanguage = null;
let isLeaving = false;
let bannerTimer = 0;
let isOffline = false;

const view = new View(page, press);
const outgoing = new Outgoing(report, sessionLost);
const events = new Events();

/** A random UUID; crypto.randomUUID exists on encrypted pages only. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// Sending

function say(content) {
  const message = { id: newId(), language: page.language, ...content };
  const shown = { text: "", button: null, is_place: Boolean(message.place), ...message };
  view.addPerson({ at: new Date().toISOString(), ...shown }, "sending");
  outgoing.send(message);
}

function press(key) {
  say({ button: key });
}

function report(message, state, problem) {
  const retry = state === "failed" ? () => outgoing.send(message) : null;
  view.setState(message.id, state, problem, retry);
  if (state === "failed" && message.button) view.release(message.button);
  if (state === "sent" && isOffline) events.retryNow();
  // From now on the conversation knows its language; the address need not tell it.
  if (state === "sent" && location.search) history.replaceState(null, "", location.pathname);
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  say({ text });
  field.value = "";
  grow();
  field.focus();
});

field.addEventListener("keydown", (event) => {
  // While an input method is composing, Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("composer").requestSubmit();
});

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
field.addEventListener("input", grow);

for (const example of document.querySelectorAll("[data-example]")) {
  example.addEventListener("click", () => {
    say({ text: example.textContent });
    if (hasKeyboard) field.focus();
  });
}

// Files, for the counsellors

const picker = byId("file");
byId("attach").addEventListener("click", () => picker.click());
picker.addEventListener("change", () => {
  const files = [...picker.files];
  picker.value = "";
  for (const file of files) {
    const id = newId();
    const at = new Date().toISOString();
    view.addPerson({ id, text: `📎 ${file.name}`, button: null, at }, "sending");
    upload(id, file);
  }
});

async function upload(id, file) {
  view.setState(id, "sending");
  const { status, data } = await sendFile(id, file);
  if (status === 202) return view.setState(id, "sent");
  view.setState(id, "failed", data.error?.message, () => upload(id, file));
}

// Location, for offers nearby

const pin = byId("locate");
pin.hidden = !canLocate;
pin.addEventListener("click", async () => {
  // Not `disabled`: that would take the keyboard's focus away.
  if (pin.getAttribute("aria-disabled") === "true") return;
  pin.setAttribute("aria-disabled", "true");
  view.notice("locating");
  try {
    say({ place: await locate() });
    view.notice(null);
  } catch (problem) {
    view.notice(problem);
  }
  pin.removeAttribute("aria-disabled");
});

// Language

async function showLanguage(code) {
  if (code === page.language) return;
  const { status, data } = await loadTexts(code);
  if (status !== 200) return;
  page = data;
  view.applyLanguage(page);
}

byId("language").addEventListener("change", (event) => {
  chosenLanguage = event.target.value;
  showLanguage(chosenLanguage);
  say({ text: `/language ${chosenLanguage}` });
});

/** The page follows the conversation, but not back from a language that was just chosen. */
function followLanguage(reply) {
  if (reply.author !== "bot") return;
  if (reply.language === chosenLanguage) chosenLanguage = null;
  if (chosenLanguage) return;
  if (page.languages.some((language) => language.code === reply.language)) {
    showLanguage(reply.language);
  }
}

// Receiving

events.addEventListener("event", ({ detail: { name, data } }) => {
  if (name === "message") {
    if (view.has(data.id)) return;
    view.addReply(data);
    followLanguage(data);
  } else if (name === "typing") {
    view.typing(true);
  } else if (name === "said") {
    if (!view.has(data.id)) view.addPerson(data, "sent");
  } else if (name === "left" && !isLeaving) {
    sessionLost();
  } else if (name === "superseded") {
    events.rest();
    view.banner("elsewhere");
  }
});

events.addEventListener("online", () => {
  clearTimeout(bannerTimer);
  if (isOffline) {
    view.banner("online", "good");
    bannerTimer = setTimeout(() => view.banner(null), GOOD_NEWS_MS);
  } else {
    view.banner(null);
  }
  isOffline = false;
  outgoing.flush();
});

events.addEventListener("offline", () => {
  if (isOffline || isLeaving) return;
  clearTimeout(bannerTimer);
  bannerTimer = setTimeout(() => {
    isOffline = true;
    view.typing(false);
    view.banner("offline", "bad");
  }, CALM_MS);
});

events.addEventListener("lost", sessionLost);

function sessionLost() {
  clearTimeout(bannerTimer);
  events.rest();
  view.banner("session_lost", "bad", { text: "reload", run: () => location.reload() });
}

// Leaving

const dialog = byId("leave");
byId("new-chat").addEventListener("click", () => {
  dialog.returnValue = "";
  dialog.showModal();
});
dialog.addEventListener("close", async () => {
  if (dialog.returnValue !== "leave") return;
  isLeaving = true;
  const { status } = await leave();
  if (status === 204) location.assign(`./?language=${page.language}`);
  isLeaving = status === 204;
});

// Beginning

async function begin() {
  const { status, data } = await loadHistory();
  if (status === 401) return sessionLost();
  if (status !== 200) {
    view.banner("offline", "bad");
    isOffline = true;
    setTimeout(begin, HISTORY_PAUSE_MS);
    return;
  }
  if (data.entries.length === 0) view.welcome();
  let last = 0;
  view.loadQuietly(() => {
    for (const entry of data.entries.filter(({ id }) => !view.has(id))) {
      if (entry.author === "person") {
        view.addPerson(entry, "sent");
      } else {
        view.addReply(entry);
        last = Math.max(last, entry.id);
      }
    }
  });
  events.open(last);
  if (hasKeyboard) field.focus();
}

begin();
