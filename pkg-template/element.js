// <smartcar-connect-button>: a button that connects a car, in any page and any framework. It finishes what comes back from Connect.
// On a server there are no elements, and importing it does nothing.
import { refused } from "./errors.js";
import { createConnectStore } from "./store.js";

const NAME = "smartcar-connect-button";

/** The attributes, by their properties: texts, lists with a space between, and those that are there or not. */
const TEXTS = ["applicationId", "approvalPrompt", "edge", "make", "mode", "reconnect", "redirectUri", "singleSelectVin", "user"];
const LISTS = ["flags", "scope"];
const SWITCHES = ["defer", "disabled", "popup", "singleSelect"];

/** Those that are no option of `start`. */
const OWN = ["defer", "disabled", "edge", "popup", "reconnect"];

const attributeOf = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

// The colours are the page's, whichever scheme it has.
const STYLE = `
:host { display: inline-block; }
:host([hidden]), [hidden] { display: none; }
button {
  font: var(--smartcar-connect-font, 600 1em/1.25 system-ui, sans-serif);
  color: var(--smartcar-connect-color, Canvas);
  background: var(--smartcar-connect-background, CanvasText);
  border: var(--smartcar-connect-border, 1px solid transparent);
  border-radius: var(--smartcar-connect-radius, 0.5em);
  padding: var(--smartcar-connect-padding, 0.75em 1.25em);
  min-height: 44px;
  width: 100%;
  cursor: pointer;
}
button:focus-visible { outline: 3px solid var(--smartcar-connect-focus, CanvasText); outline-offset: 2px; }
button[aria-disabled="true"] { cursor: progress; }
button:disabled { cursor: default; opacity: 0.5; }
/* It does not make the button wider. */
p { width: 0; min-width: 100%; margin: 0.5em 0 0; }
`;

/** The state of a page's connections, one for all buttons with the same Worker and caller. A caller that is gone takes it along. */
const sharedByEdge = new Map();
const sharedByConnect = new WeakMap();

function sharedBy(connect, edge) {
  const [shared, key] = connect ? [sharedByConnect, connect] : [sharedByEdge, edge];
  const options = connect ? { connect } : { edge };
  if (!shared.has(key)) shared.set(key, { store: createConnectStore({ ...options, connections: false }), speaker: null });
  return shared.get(key);
}

/** What one of the buttons has told. */
const told = new WeakSet();

// Without `innerHTML`, and without a style element where that is possible: policies forbid both.
function shadowOf(host) {
  const root = host.attachShadow({ mode: "open", delegatesFocus: true });
  const make = (parent, name, properties) => parent.appendChild(Object.assign(document.createElement(name), properties));
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    make(root, "style", { textContent: STYLE });
  }
  const button = make(root, "button", { type: "button" });
  const label = make(button, "span");
  label.setAttribute("part", "label");
  const message = make(root, "p", { hidden: true });
  message.setAttribute("part", "message");
  message.setAttribute("role", "alert");
  return {
    button,
    message,
    // Beside the slot: within it, it would not be shown where the page has a line break.
    ready: make(label, "slot"),
    unworded: make(label, "span", { textContent: "Connect your car" }),
    busy: make(label, "slot", { name: "busy", hidden: true, textContent: "One moment…" }),
    failed: make(message, "slot", { name: "error", textContent: "That did not work. Please try again." }),
  };
}

/** Whether a node has anything to show. */
const isWorded = ({ nodeType, textContent }) => nodeType === 1 || textContent.trim() !== "";

export class SmartcarConnectButton extends (globalThis.HTMLElement ?? Object) {
  static get observedAttributes() {
    return [...TEXTS, ...LISTS, ...SWITCHES].map(attributeOf);
  }

  constructor() {
    super();
    this._shadow = shadowOf(this);
    this._shadow.button.addEventListener("click", () => this.start());
    this._outcome = this._error = this._shared = null;
    // Frameworks change a text where it is, of which a slot hears nothing.
    const show = () => this._show();
    this._shadow.ready.addEventListener("slotchange", show);
    new MutationObserver(show).observe(this, { characterData: true, subtree: true });
  }

  /** A result of `createConnect`: for who calls, and in place of `edge`. */
  get connect() {
    return this._connect ?? null;
  }

  set connect(connect) {
    if (typeof (connect ?? {}) !== "object") throw refused("connect", "`connect` is what `createConnect` gives");
    this._connect = connect ?? undefined;
    this._attach();
  }

  /** The name of what is under way, or `null`. */
  get busy() {
    return this._shared?.store.getSnapshot().busy ?? null;
  }

  /** The latest outcome and the latest error, as the events told them. */
  get outcome() {
    return this._outcome;
  }

  get error() {
    return this._error;
  }

  click() {
    this._shadow.button.click();
  }

  /** Does what a click does; resolves to what came of it, or to nothing after an error. */
  async start() {
    if (!this._shared || this.disabled || this.busy !== null) return undefined;
    const { store } = this._shared;
    this._shared.speaker = this;
    const names = [...TEXTS, ...LISTS, ...SWITCHES].filter((name) => !OWN.includes(name) && this.hasAttribute(attributeOf(name)));
    const options = Object.fromEntries(names.map((name) => [name, this[name]]));
    const { popup, reconnect } = this;
    if (popup) return store.popup({ ...options, ...(reconnect === null ? {} : { reconnect }) });
    return reconnect === null ? store.start(options) : store.reconnect(reconnect, options);
  }

  connectedCallback() {
    // What was set before the element was known stands in front of what it is set by.
    for (const name of ["connect", ...TEXTS, ...LISTS, ...SWITCHES].filter((name) => Object.prototype.hasOwnProperty.call(this, name))) {
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    this._attach();
  }

  disconnectedCallback() {
    this._detach();
  }

  attributeChangedCallback(name) {
    if (name === "edge" || name === "defer") this._attach();
    else this._show();
  }

  _attach() {
    const isDeferred = this.defer && !this._connect;
    const next = this.isConnected && !isDeferred ? sharedBy(this._connect, this.edge ?? undefined) : null;
    if (next === this._shared) return;
    this._detach();
    this._shared = next;
    this._unsubscribe = next?.store.subscribe(() => this._update());
    this._update();
  }

  _detach() {
    this._unsubscribe?.();
    if (this._shared?.speaker === this) this._shared.speaker = null;
    this._shared = this._unsubscribe = null;
  }

  _update() {
    if (this._shared) {
      const { store, speaker } = this._shared;
      const { outcome, error } = store.getSnapshot();
      // Of every button, also of one that another has spoken after.
      if (error === null) this._shadow.message.hidden = true;
      if (speaker === null || speaker === this) this._tell(outcome, error);
    }
    this._show();
  }

  /** Tells what has happened, by one of the buttons: the one that was clicked, or the first in the page. */
  _tell(outcome, error) {
    for (const [type, detail] of Object.entries({ outcome, error })) {
      if (detail === null || told.has(detail)) continue;
      told.add(detail);
      this[`_${type}`] = detail;
      const isUntouched = this.dispatchEvent(new CustomEvent(type, { detail, bubbles: type === "outcome", composed: true, cancelable: true }));
      if (type === "error" && isUntouched) this._shadow.message.hidden = false;
    }
  }

  _show() {
    const { button, ready, unworded, busy } = this._shadow;
    const isBusy = this.busy !== null;
    ready.hidden = isBusy;
    unworded.hidden = isBusy || ready.assignedNodes({ flatten: true }).some(isWorded);
    busy.hidden = !isBusy;
    button.setAttribute("part", isBusy ? "button busy" : "button");
    // Not `disabled`, which would take the focus away.
    button.setAttribute("aria-disabled", String(isBusy));
    button.disabled = this.disabled;
  }
}

function property(name, get, set) {
  Object.defineProperty(SmartcarConnectButton.prototype, name, { configurable: true, enumerable: true, get, set });
}

for (const name of TEXTS) {
  const attribute = attributeOf(name);
  const set = function (value) {
    if (value === null || value === undefined) this.removeAttribute(attribute);
    else this.setAttribute(attribute, value);
  };
  property(name, function () { return this.getAttribute(attribute); }, set);
}
for (const name of LISTS) {
  const set = function (value) {
    if (value === null || value === undefined) this.removeAttribute(name);
    else this.setAttribute(name, Array.isArray(value) ? value.join(" ") : value);
  };
  property(name, function () { return (this.getAttribute(name) ?? "").split(/\s+/).filter(Boolean); }, set);
}
for (const name of SWITCHES) {
  const attribute = attributeOf(name);
  const set = function (value) {
    if (value) this.setAttribute(attribute, "");
    else this.removeAttribute(attribute);
  };
  // Some frameworks write `false` as a text.
  property(name, function () { return (this.getAttribute(attribute) ?? "false") !== "false"; }, set);
}

const elements = globalThis.customElements;
if (elements && !elements.get(NAME)) elements.define(NAME, SmartcarConnectButton);
