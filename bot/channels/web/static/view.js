/* What is seen. Texts from anybody are set as text nodes only, never as markup. */

const TYPING_MS = 10_000;
const NEAR_BOTTOM_PX = 60;
const SVG = "http://www.w3.org/2000/svg";
const WEB_ADDRESS = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/;
// As clocks are read in Germany, in every language.
const TIME_OF_DAY = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const LANGUAGE_COMMAND = /^\/language\s+([a-z]{2,3})$/i;
const ICONS = {
  check: "m5 12.5 4.5 4.5L19 7.5",
  clock: "M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  email: "M4 6.5h16v11H4ZM4.5 7l7.5 6 7.5-6",
  file: "M8 3.5h6l4 4v13H6v-17ZM14 3.5v4h4M12 10.5v6m-2.5-2.5 2.5 2.5 2.5-2.5",
  failed: "M12 7.5v5.5m0 3v.5M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  note: "M12 8.5v5m0 2.5v.5M12 4 3 19.5h18Z",
  place: "M12 20.5c4-4.3 6-7.6 6-10.3a6 6 0 0 0-12 0c0 2.7 2 6 6 10.3ZM12 12.4a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z",
  phone: "M7.5 4 10 8.6 8.2 10.4a11.6 11.6 0 0 0 5.4 5.4l1.8-1.8L20 16.5l-1 3.5C11 20 4 13 4 5Z",
  url: "M10 5H5.5v13.5H19V14m-5-9h5v5m0-5-8.5 8.5",
};
const STATE_ICONS = { sending: "clock", waiting: "clock", sent: "check", failed: "failed" };

const LONGEST_ADDRESS = 40;

const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A web address as people read it; what is longer, such as a secret one, is cut. */
function shortAddress(address) {
  const short = address.replace(/^https?:\/\/(www\.)?|\/$/g, "");
  return short.length > LONGEST_ADDRESS ? `${short.slice(0, LONGEST_ADDRESS)}…` : short;
}

/** Lets a long address go on in the next line after a dot, slash or at sign. */
function breakable(address) {
  return address.split(/(?<=[./@])/).flatMap((part) => [part, document.createElement("wbr")]);
}

export class View {
  #texts = {};
  #languages = [];
  #locale = "en";
  #scroll = byId("scroll");
  #log = byId("log");
  #entries = new Map(); // id of the person's message → its element
  #lastDay = "";
  #following = true;
  #anchor = null;
  #notice = null;
  #unread = 0;
  #typingTimer = 0;
  #onPress;

  /** `onPress(key)` is told of a pressed choice. */
  constructor(page, onPress) {
    this.#onPress = onPress;
    this.applyLanguage(page);
    this.#scroll.addEventListener("scroll", () => this.#noticeScrolling(), { passive: true });
    byId("to-newest").addEventListener("click", () => this.#toNewest());
    new ResizeObserver(() => this.#following && this.#keepUp()).observe(this.#scroll);
    document.addEventListener("visibilitychange", () => this.#showUnread());
  }

  // Language

  /** Puts the whole page into another language. */
  applyLanguage({ language, direction, languages, texts }) {
    this.#texts = texts;
    this.#languages = languages;
    // Figures as they stand on German letters and doors, in every language.
    this.#locale = `${language}-u-nu-latn`;
    document.documentElement.lang = language;
    document.documentElement.dir = direction;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = texts[element.dataset.text];
    }
    for (const element of document.querySelectorAll("[data-text-label]")) {
      element.setAttribute("aria-label", texts[element.dataset.textLabel]);
      if (element.title) element.title = texts[element.dataset.textLabel];
    }
    byId("text").placeholder = texts.placeholder;
    byId("language").value = language;
    document.querySelector("meta[name=description]").content = texts.description;
    for (const time of document.querySelectorAll("time")) this.#formatTime(time);
    this.#showUnread();
  }

  #text(name, tag = "span", className = "") {
    const element = make(tag, { className, textContent: this.#texts[name] });
    element.dataset.text = name;
    return element;
  }

  // Entries

  /** While `add` runs nothing is read aloud, as what it adds is known already. */
  loadQuietly(add) {
    this.#log.setAttribute("aria-live", "off");
    add();
    requestAnimationFrame(() => {
      this.#toNewest();
      this.#log.setAttribute("aria-live", "polite");
    });
  }

  has(id) {
    return this.#entries.has(String(id));
  }

  /** Adds what the person said; `entry` is {id, text, button, is_place, at}. */
  addPerson(entry, state) {
    this.notice(null);
    if (entry.button) this.#markChosen(entry.button);
    for (const past of this.#log.querySelectorAll(".choices:not(.past)")) past.classList.add("past");
    const command = LANGUAGE_COMMAND.exec(entry.text);
    const element = command
      ? this.#languageNotice(command[1].toLowerCase())
      : this.#personBubble(entry);
    this.#add(entry, element);
    this.setState(entry.id, state);
    this.#anchor = element;
    this.#following = true;
    this.#keepUp();
  }

  #personBubble(entry) {
    const text = entry.is_place
      ? this.#text("my_location")
      : entry.text || this.#titleOf(entry.button);
    return make(
      "article",
      { className: "entry person" },
      this.#text("you", "p", "unseen"),
      make("div", { className: "bubble" }, make("p", { className: "text", dir: "auto" },
        entry.is_place ? icon("place") : null, text)),
      make("p", { className: "meta" }, this.#time(entry.at), make("span", { className: "state" })),
    );
  }

  #languageNotice(code) {
    const language = this.#languages.find((known) => known.code === code);
    return make(
      "article",
      { className: "entry notice" },
      make("bdi", { lang: code, textContent: language?.name ?? code }),
      make("span", { className: "state" }),
    );
  }

  /** Shows how far a message of the person's has come. */
  setState(id, state, problem = "", retry = null) {
    const place = this.#entries.get(String(id))?.querySelector(".state");
    if (!place) return;
    const text = problem
      ? make("span", { textContent: problem })
      : this.#text(state, "span", state === "sending" || state === "sent" ? "unseen" : "");
    place.className = `state ${state}`;
    place.replaceChildren(icon(STATE_ICONS[state]), text);
    if (retry) {
      const button = this.#text("retry", "button", "link");
      button.type = "button";
      button.addEventListener("click", retry);
      place.append(button);
    }
    if (state === "failed" || state === "waiting") this.#keepUp();
  }

  /** Adds what the person is told. */
  addReply(reply) {
    this.typing(false);
    const isCounsellor = reply.author === "counsellor";
    const element = make(
      "article",
      { className: `entry ${reply.author}`, lang: reply.language },
      isCounsellor ? this.#text("counsellor", "p", "who") : make("p", { className: "unseen" }, "Lotse"),
      reply.text ? this.#replyBubble(reply) : null,
      reply.cards.length ? make("ul", { className: "cards" }, ...reply.cards.map((card) => this.#card(card, reply))) : null,
      ...reply.documents.map((document) => this.#document(document, reply)),
      reply.buttons.length ? this.#choices(reply) : null,
      make("p", { className: "meta" }, this.#time(reply.at)),
    );
    const wasFollowing = this.#following;
    this.#add(reply, element);
    if (!wasFollowing || document.hidden) this.#unread += 1;
    if (wasFollowing) this.#keepUp();
    this.#showUnread();
  }

  #replyBubble(reply) {
    const text = make("p", { className: "text" });
    reply.text.split(WEB_ADDRESS).forEach((part, index) => {
      text.append(index % 2 ? this.#webLink(part, part) : part);
    });
    return make("div", { className: "bubble", dir: reply.direction }, text);
  }

  #card(card, reply) {
    const facts = card.lines.filter((line) => line.kind !== "note").map((line) => this.#fact(line));
    const notes = card.lines.filter((line) => line.kind === "note").map((line) =>
      make("p", { className: "note" }, icon("note"), make("span", { dir: "auto" },
        line.label ? `${line.label}: ${line.value}` : line.value)));
    const { label, href } = card.source;
    return make(
      "li",
      { className: "card", dir: reply.direction },
      make("h2", {}, make("bdi", {}, card.title)),
      card.subtitle ? make("p", { className: "subtitle" }, make("bdi", {}, card.subtitle)) : null,
      card.body ? make("p", { className: "text", dir: "auto" }, card.body) : null,
      facts.length ? make("dl", {}, ...facts) : null,
      ...notes,
      label || href
        ? make("p", { className: "source" }, href ? this.#webLink(href, label || href) : label)
        : null,
    );
  }

  #document({ title, name, href }, reply) {
    return make("p", { className: "document", dir: reply.direction },
      make("a", { href, download: name }, icon("file"), make("bdi", {}, title)));
  }

  #fact({ label, value, kind, href }) {
    let shown = make("bdi", {}, value);
    if (href) {
      const short = kind === "url" ? shortAddress(value) : value;
      const inner = make("span", {}, make("bdi", {}, ...breakable(short)));
      shown = kind === "url" ? this.#webLink(href, inner) : make("a", { href }, inner);
      shown.prepend(icon(kind));
    }
    return make(
      "div",
      { className: href ? "fact linked" : "fact" },
      make("dt", {}, make("bdi", {}, label)),
      make("dd", {}, shown),
    );
  }

  #webLink(href, content) {
    return make("a", { href, target: "_blank", rel: "noopener noreferrer" },
      content, this.#text("new_window", "span", "unseen"));
  }

  #choices(reply) {
    const group = make("div", { className: "choices", dir: reply.direction });
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", this.#texts.choices);
    group.dataset.textLabel = "choices";
    for (const { title, key } of reply.buttons) {
      const button = make("button", { type: "button", className: "choice" }, make("span", { dir: "auto" }, title));
      button.dataset.key = key;
      button.addEventListener("click", () => {
        // Not `disabled`: that would take the keyboard's focus away.
        if (button.getAttribute("aria-disabled") !== "true") this.#onPress(key);
      });
      group.append(button);
    }
    return group;
  }

  #buttonOf(key) {
    return key ? this.#log.querySelector(`.choice[data-key="${CSS.escape(key)}"]`) : null;
  }

  #titleOf(key) {
    return this.#buttonOf(key)?.firstChild.textContent ?? "…";
  }

  #markChosen(key) {
    const button = this.#buttonOf(key);
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    button.append(icon("check"), this.#text("chosen", "span", "unseen"));
  }

  /** A button whose press did not arrive may be pressed again. */
  release(key) {
    const button = this.#buttonOf(key);
    button?.removeAttribute("aria-disabled");
    button?.replaceChildren(button.firstChild);
  }

  #add(entry, element) {
    byId("welcome").hidden = true;
    const day = new Date(entry.at).toDateString();
    if (day !== this.#lastDay) {
      this.#lastDay = day;
      const time = this.#time(entry.at);
      time.dataset.day = "";
      this.#formatTime(time);
      this.#log.append(make("p", { className: "day" }, time));
    }
    this.#entries.set(String(entry.id), element);
    this.#log.append(element);
  }

  /** Invites to a first message. */
  welcome() {
    byId("welcome").hidden = false;
  }

  // Times

  #time(at) {
    const time = make("time", { dateTime: at });
    this.#formatTime(time);
    return time;
  }

  #formatTime(time) {
    const at = new Date(time.dateTime);
    time.textContent = "day" in time.dataset
      ? this.#dayName(at)
      : new Intl.DateTimeFormat(this.#locale, TIME_OF_DAY).format(at);
  }

  #dayName(at) {
    const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
    const days = Math.round((midnight(at) - midnight(Date.now())) / 86_400_000);
    if (days === 0 || days === -1) {
      return new Intl.RelativeTimeFormat(this.#locale, { numeric: "auto" }).format(days, "day");
    }
    return new Intl.DateTimeFormat(this.#locale, { dateStyle: "long" }).format(at);
  }

  // Signs

  /** Shows a line below the newest message in place of the last such line; none without a name. */
  notice(name) {
    this.#notice?.remove();
    this.#notice = null;
    if (!name) return;
    this.#notice = make("p", { className: "entry notice" }, this.#text(name));
    this.#log.append(this.#notice);
    this.#notice.scrollIntoView({ block: "nearest" });
  }

  typing(isTyping) {
    clearTimeout(this.#typingTimer);
    byId("typing").hidden = !isTyping;
    byId("typing-text").textContent = isTyping ? this.#texts.typing : "";
    if (isTyping) {
      this.#typingTimer = setTimeout(() => this.typing(false), TYPING_MS);
      if (this.#following) this.#keepUp();
    }
  }

  /** Shows a line under the header; without a name it goes away. */
  banner(name, tone = "", action = null) {
    const banner = byId("banner");
    banner.className = `banner ${tone}`;
    banner.replaceChildren();
    if (!name) return;
    banner.append(this.#text(name));
    if (action) {
      const button = this.#text(action.text, "button", "link");
      button.type = "button";
      button.addEventListener("click", action.run);
      banner.append(button);
    }
  }

  // Scrolling

  get #lowest() {
    return this.#scroll.scrollHeight - this.#scroll.clientHeight;
  }

  /** Shows the newest, but not beyond the person's last message: answers are read from their top. */
  #keepUp() {
    const top = this.#anchor ? this.#anchor.offsetTop - 12 : this.#lowest;
    this.#scroll.scrollTop = Math.max(this.#scroll.scrollTop, Math.min(top, this.#lowest));
    this.#showUnread();
  }

  #toNewest() {
    this.#following = true;
    this.#scroll.scrollTop = this.#lowest;
    this.#noticeScrolling();
  }

  #noticeScrolling() {
    const { scrollTop } = this.#scroll;
    const isAtBottom = this.#lowest - scrollTop < NEAR_BOTTOM_PX;
    const anchorTop = this.#anchor ? this.#anchor.offsetTop - 12 : this.#lowest;
    this.#following = isAtBottom || scrollTop >= anchorTop - NEAR_BOTTOM_PX;
    if (isAtBottom && !document.hidden) this.#unread = 0;
    this.#showUnread();
  }

  #showUnread() {
    const isAtBottom = this.#lowest - this.#scroll.scrollTop < NEAR_BOTTOM_PX;
    if (isAtBottom && !document.hidden) this.#unread = 0;
    document.title = this.#unread && document.hidden
      ? `(${this.#unread}) Lotse`
      : `Lotse – ${this.#texts.tagline}`;
    const button = byId("to-newest");
    button.hidden = isAtBottom;
    byId("unread").textContent = this.#unread ? String(this.#unread) : "";
    const label = this.#unread ? `${this.#texts.new_messages}: ${this.#unread}` : this.#texts.to_newest;
    button.setAttribute("aria-label", label);
  }
}
