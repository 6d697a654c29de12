// What a page can make a browser send elsewhere without being allowed to: runs in that page. Every request says by which way it is
// sent, in its query, unless that would be looked at.
(() => {
  /** The windows and frames that show answers. */
  const shown = [];

  /** Adds an element that loads `url`. */
  function element(tag, url, attributes = {}) {
    const it = Object.assign(document.createElement(tag), attributes);
    it[{ link: "href", object: "data" }[tag] ?? "src"] = url;
    document.body.append(it);
    return it;
  }

  /** As `element`, and waits until it has loaded or failed to. */
  async function loaded(tag, url, attributes) {
    const it = element(tag, url, attributes);
    await new Promise((resolve) => (it.onload = it.onerror = resolve));
    return it;
  }

  /** Shows `url` in a frame, of which no event says that it was refused. */
  async function framed(tag, url) {
    const it = element(tag, url);
    shown.push(() => it.contentWindow);
  }

  const frame = (name) => element("iframe", "about:blank", { name }).contentWindow;
  const popup = (name) => window.open("about:blank", name);

  async function form(method, enctype, url, open) {
    const name = `window-${shown.length}`;
    const target = open(name);
    shown.push(() => target);
    const it = Object.assign(document.createElement("form"), { method, enctype, action: url, target: name });
    // As plain text this is JSON: `{"a":"="}`.
    it.append(Object.assign(document.createElement("input"), { name: '{"a":"', value: '"}' }));
    document.body.append(it);
    it.submit();
  }

  async function read(url, init) {
    const answer = await fetch(url, { credentials: "include", ...init });
    return answer.text();
  }

  const HEADER = { "x-requested-with": "smartcar-connect" };
  const JSON_TYPE = { "content-type": "application/json" };
  const opened = async (url) => {
    const it = popup(`window-${shown.length}`);
    shown.push(() => it);
    it.location = url;
  };

  const WAYS = {
    GET: {
      image: async (url) => ((await loaded("img", url)).naturalWidth > 0 ? "an image" : ""),
      script: (url) => loaded("script", url).then(() => ""),
      stylesheet: (url) => loaded("link", url, { rel: "stylesheet" }).then(() => ""),
      prefetch: (url) => loaded("link", url, { rel: "prefetch" }).then(() => ""),
      frame: (url) => framed("iframe", url),
      object: (url) => framed("object", url),
      "a form in a frame": (url) => form("get", "", url, frame),
      "a form in a window": (url) => form("get", "", url, popup),
      window: opened,
      "a fetch without CORS": (url) => read(url, { mode: "no-cors" }),
      "a fetch kept alive": (url) => read(url, { mode: "no-cors", keepalive: true }),
      "a fetch": (url) => read(url, {}),
      "a fetch with our header": (url) => read(url, { headers: HEADER }),
    },
    POST: {
      "a form": (url) => form("post", "application/x-www-form-urlencoded", url, frame),
      "a form in parts": (url) => form("post", "multipart/form-data", url, frame),
      "a form as text": (url) => form("post", "text/plain", url, frame),
      "a form in a window": (url) => form("post", "text/plain", url, popup),
      "a fetch without CORS": (url, body) => read(url, { method: "POST", mode: "no-cors", body }),
      "a fetch kept alive": (url, body) => read(url, { method: "POST", mode: "no-cors", keepalive: true, body }),
      "an empty fetch": (url) => read(url, { method: "POST", mode: "no-cors" }),
      "a beacon": async (url, body) => (navigator.sendBeacon(url, body), ""),
      "a fetch": (url, body) => read(url, { method: "POST", headers: { ...HEADER, ...JSON_TYPE }, body }),
    },
    DELETE: { "a fetch": (url) => read(url, { method: "DELETE", headers: { ...HEADER, ...JSON_TYPE } }) },
    PUT: { "a fetch": (url, body) => read(url, { method: "PUT", headers: { ...HEADER, ...JSON_TYPE }, body }) },
  };

  /**
   * Sends everything at each of `targets`.
   * @param {{method: string, url: string, body?: string, plain: boolean}[]} targets `plain`: the address takes no query
   * @returns {Promise<string[]>} what of the answers the page could read
   */
  window.besiege = async (targets) => {
    const readable = [];
    for (const { method, url, body = "{}", plain } of targets) {
      const attempt = async ([way, send]) => {
        const address = plain ? url : `${url}?by=${encodeURIComponent(way)}`;
        const told = await send(address, body).catch(() => "");
        if (told) readable.push(`${method} ${url} by ${way}: ${told}`);
      };
      await Promise.all(Object.entries(WAYS[method]).map(attempt));
    }
    return readable;
  };
  /** What the page can see of all that it has opened by now. */
  window.seen = () => {
    const textOf = (other) => {
      try {
        return other()?.document?.body?.innerText ?? "";
      } catch {
        return "";
      }
    };
    return shown.map(textOf).filter((text) => text !== "");
  };
  window.waysOf = (method) => Object.keys(WAYS[method]);
})();
