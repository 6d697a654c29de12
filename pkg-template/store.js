// What a page shows of its owner's cars, as one state that changes, for whatever renders it. The entries for frameworks are thin
// layers over it. Nothing happens before somebody subscribes, and on a server nothing at all.
import { isOptions, refused } from "./errors.js";
import { createConnect } from "./index.js";

// In milliseconds.
/** How old the lists may be when the page is shown again. */
const FRESH = 60_000;
/** When to look again for the cars of a new connection, and how often. */
const PENDING = 3000;
const MOST_PENDING = 20;
/** How long a page may take to leave; if it is still here then, the owner has stopped it. */
const LEAVING = 10_000;

const SIGNED_OUT = "smartcar-connect:signed-out:";
const OURS = "smartcar-connect:";

/** What goes to Connect: nothing is unfinished while it does. */
const ATTEMPTS = ["start", "popup", "reconnect", "finish"];

const INITIAL = { connections: null, vehicles: null, outcome: null, error: null, unfinished: null, busy: null };

export function createConnectStore(options) {
  const { connect, connections: asksConnections, vehicles: asksVehicles } = checked(options);
  const asks = asksConnections || asksVehicles;
  const listeners = new Set();
  let state = INITIAL;
  let stop;

  function set(patch) {
    // On a server one store may be everybody's.
    if (typeof window !== "object") return;
    const entries = Object.entries(patch).filter(([name, value]) => !isSame(state[name], value));
    if (entries.length === 0) return;
    state = { ...state, ...Object.fromEntries(entries) };
    for (const entry of [...listeners]) if (listeners.has(entry)) tell(entry.listener);
  }

  /** Counts those who were signed in here: what was begun for one is not told to the next. */
  let users = 0;

  /** What is under way, the latest last. */
  let working = [];

  function end(work) {
    clearTimeout(work.timer);
    working = working.filter((other) => other !== work);
    set({ busy: working[working.length - 1]?.name ?? null });
  }

  /**
   * Does something for the owner, who is told of an error by the state. It begins at once: a window has to be opened in the click.
   *
   * @param {(isOwner: () => boolean) => Promise} call is told whether the owner is still who it was
   * @param {(result: unknown) => boolean} [leaves] whether the page is on its way to Connect
   */
  async function act(name, signal, call, leaves = () => false) {
    const work = { name };
    const user = users;
    const isOwner = () => user === users;
    working = [...working, work];
    const isAttempt = ATTEMPTS.includes(name);
    set({ busy: name, error: null, ...(isAttempt ? { outcome: null, unfinished: null } : {}) });
    try {
      const result = await call(isOwner);
      if (leaves(result)) work.timer = setTimeout(() => (end(work), look()), LEAVING);
      return result;
    } catch (error) {
      if (!signal?.aborted && isOwner()) set({ error: asError(error) });
      return undefined;
    } finally {
      if (work.timer === undefined) end(work);
      if (isAttempt) look();
    }
  }

  /** Reads what is unfinished. */
  function look() {
    if (working.some(({ name }) => ATTEMPTS.includes(name))) return;
    try {
      set({ unfinished: connect.unfinishedAttempt() });
    } catch (error) {
      set({ error: asError(error) });
    }
  }

  /** Counts the changes: what was asked before one is not what is so after it. */
  let changes = 0;
  let loading;
  let loadedAt = -Infinity;
  let loadError = null;
  let pending = { tries: 0, timer: undefined };

  function refresh(isQuiet = false) {
    if (!asks) return Promise.resolve();
    if (loading?.changes !== changes) loading = { changes, done: load(changes, isQuiet) };
    return loading.done;
  }

  async function load(asked, isQuiet) {
    const isCurrent = () => asked === changes;
    clearTimeout(pending.timer);
    try {
      // Only the connections say whether cars are still to come.
      const [connections, vehicles] = await Promise.all([connect.connections(), asksVehicles && connect.vehicles()]);
      if (!isCurrent()) return;
      loadedAt = Date.now();
      const lists = { connections: asksConnections ? connections : null, vehicles: vehicles || null };
      set({ ...lists, ...(state.error === loadError ? { error: null } : {}) });
      const isPending = connections.some(({ vehiclesPending }) => vehiclesPending);
      pending.tries = isPending ? pending.tries + 1 : 0;
    } catch (error) {
      if (!isCurrent()) return;
      const isKnown = loadedAt !== -Infinity;
      loadedAt = -Infinity;
      // Of who is not signed in any more nothing is shown.
      const isOver = ["invalid_token", "session_missing"].includes(error?.code);
      if (pending.tries > 0) pending.tries += 1;
      if (isQuiet && isKnown && !isOver) return;
      loadError = asError(error);
      set({ error: loadError, ...(isOver ? { connections: null, vehicles: null } : {}) });
    } finally {
      if (loading?.changes === asked) loading = undefined;
      if (isCurrent()) awaitVehicles();
    }
  }

  function awaitVehicles() {
    if (stop && pending.tries > 0 && pending.tries <= MOST_PENDING) pending.timer = setTimeout(() => refresh(true), PENDING);
  }

  /** Something has changed at the Worker. */
  function changed() {
    changes += 1;
    pending.tries = 0;
    return refresh();
  }

  /** The marks of sign-outs in this browser when they were last looked at. */
  let signOuts;

  /** Nothing of who was signed in here is shown to the next; nor is anything asked for, which would open a session anew. */
  function signedOut() {
    users += 1;
    changes += 1;
    clearTimeout(pending.timer);
    pending.tries = 0;
    signOuts = marks();
    const none = (asked) => (asked ? [] : null);
    set({ connections: none(asksConnections), vehicles: none(asksVehicles), outcome: null, error: null, unfinished: null });
  }

  /** What other tabs have done while nobody listened here: before, or while the page was put away. */
  function catchUp() {
    const before = signOuts;
    signOuts = marks();
    if (before !== undefined && before !== signOuts) signedOut();
  }

  /** Changes something, and then shows what is so, whether that went well or not. */
  const change = (name, options, call) =>
    act(name, options?.signal, async (isOwner) => {
      try {
        return await call(isOwner);
      } finally {
        if (isOwner()) await changed();
      }
    });

  let finishing;
  function finish() {
    const call = async (isOwner) => {
      const outcome = await connect.finish();
      if (isOwner()) set({ outcome });
      return outcome;
    };
    finishing ??= change("finish", undefined, call).finally(() => (finishing = undefined));
    return finishing;
  }

  const isLeft = (options) => (result) => result !== undefined && options?.navigate !== false;

  const actions = {
    connect,
    start(given) {
      const options = withoutEvent(given);
      return act("start", options?.signal, () => connect.start(options), isLeft(options));
    },
    popup(given) {
      const options = withoutEvent(given);
      const call = async (isOwner) => {
        const outcome = await connect.popup(options);
        // What comes of the page itself, once it leaves, is told when it is back.
        if (outcome.kind !== "redirected" && isOwner()) {
          set({ outcome });
          await changed();
        }
        return outcome;
      };
      return act("popup", options?.signal, call, (outcome) => outcome.kind === "redirected");
    },
    reconnect: (id, options) => act("reconnect", options?.signal, () => connect.reconnect(id, options), isLeft(options)),
    finish,
    disconnect: (id, options) => change("disconnect", options, () => connect.disconnect(id, options)),
    disconnectAll(given) {
      const options = withoutEvent(given);
      return change("disconnectAll", options, () => connect.disconnectAll(options));
    },
    claim(given) {
      const options = withoutEvent(given);
      return change("claim", options, () => connect.claim(options));
    },
    signOut(given) {
      const options = withoutEvent(given);
      return act("signOut", options?.signal, async () => {
        await connect.signOut(options);
        signedOut();
      });
    },
    refresh: () => changed(),
    forgetAttempt() {
      try {
        connect.forgetAttempt();
      } catch (error) {
        set({ error: asError(error) });
      }
      look();
    },
    dismiss: () => set({ outcome: null, error: null }),
  };

  function begin() {
    const onShown = () => {
      if (document.hidden) return;
      catchUp();
      look();
      if (!finishing && Date.now() - loadedAt > FRESH) refresh(true);
    };
    const onPageShow = ({ persisted }) => {
      // Back from Connect by the Back button: the page is as it was left.
      if (persisted) for (const work of working.filter(({ timer }) => timer !== undefined)) end(work);
      onShown();
    };
    const onStorage = ({ key, newValue }) => {
      if (key !== null && !key.startsWith(OURS)) return;
      if (key?.startsWith(SIGNED_OUT)) signedOut();
      look();
      if (newValue?.includes('"over":true')) changed();
    };
    const ends = [
      [window, "pageshow", onPageShow],
      [document, "visibilitychange", onShown],
      [window, "storage", onStorage],
    ];
    for (const [target, name, listener] of ends) target.addEventListener(name, listener);
    stop = () => {
      for (const [target, name, listener] of ends) target.removeEventListener(name, listener);
      clearTimeout(pending.timer);
      stop = undefined;
    };
    catchUp();
    look();
    if (connect.hasCallback()) finish();
    else if (Date.now() - loadedAt > FRESH || pending.tries > 0) refresh();
  }

  return {
    ...actions,
    subscribe(listener) {
      if (typeof window !== "object") return () => {};
      const entry = { listener };
      listeners.add(entry);
      // Not before what renders has taken over the page of a server, in which nothing is known yet.
      queueMicrotask(() => listeners.size > 0 && !stop && begin());
      return () => {
        listeners.delete(entry);
        if (listeners.size === 0) stop?.();
      };
    },
    getSnapshot: () => state,
    getServerSnapshot: () => INITIAL,
  };
}

function checked(options = {}) {
  if (!isOptions(options)) throw refused("options", "the options for the connections of a page are an object");
  const { connect, connections = true, vehicles = false, ...edge } = options;
  const known = ["connect", "connections", "vehicles", "edge", "getToken", "ticket"];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw refused(unknown, `\`${unknown}\` is not an option here; there are \`${known.join("`, `")}\``);
  const more = Object.keys(edge).find((name) => edge[name] !== undefined);
  if (connect !== undefined && more !== undefined) {
    throw refused(more, `\`${more}\` is told to \`createConnect\` where its result is given as \`connect\`; leave one of them out`);
  }
  return { connect: connect ?? createConnect(edge), connections, vehicles };
}

/** What is given as `onClick={start}` is called with the event. */
const withoutEvent = (options) => (typeof options?.preventDefault === "function" ? undefined : options);

/** The marks by which the tabs of a browser tell each other that somebody has signed out; nothing where nothing can be stored. */
function marks() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(SIGNED_OUT));
    return JSON.stringify(names.sort().map((name) => [name, localStorage.getItem(name)]));
  } catch {
    return "";
  }
}

/** A listener that throws stops neither the others nor what has told it. */
function tell(listener) {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

const asError = (error) => (error instanceof Error ? error : new Error(String(error)));

/** Whether nothing has to be rendered anew. */
const isSame = (one, other) => one === other || (isData(one) && isData(other) && JSON.stringify(one) === JSON.stringify(other));

const isData = (value) => typeof value === "object" && value !== null && !(value instanceof Error);
