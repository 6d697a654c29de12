// What the site is made of, in the order of its side bar. A page is a file of the repository, or a section of one; `path` is its address,
// the file's own name unless it is given. What is generated has no `source`.
export const REPOSITORY = "https://github.com/smartcar-connect/smartcar-connect";

/** @typedef {{ text: string, source?: string, section?: string, path?: string, link?: string }} Page */

/** @type {{ text: string, items: Page[] }[]} */
export const SIDE_BAR = [
  {
    text: "Start",
    items: [
      { text: "Start in five minutes", source: "docs/start.md" },
      { text: "Your page", source: "README.md", section: "Use it", path: "use" },
      { text: "Deploy it", source: "README.md", section: "Deploy it", path: "deploy" },
    ],
  },
  {
    text: "Guides",
    items: [
      { text: "React, Vue, Svelte, an element", source: "docs/frameworks.md" },
      { text: "Your app's own users", source: "docs/users.md" },
      { text: "Your own back end, by night", link: "users#from-the-back-end" },
      { text: "Reading and commanding cars", source: "docs/vehicles-api.md" },
      { text: "Webhooks", source: "docs/webhooks.md" },
      { text: "A window of its own", link: "package#in-a-window-of-its-own" },
      { text: "Without JavaScript", source: "docs/no-javascript.md" },
      { text: "From @smartcar/auth and elsewhere", source: "docs/coming-from-elsewhere.md" },
      { text: "Smartcar's v3", source: "docs/smartcar-v3.md" },
      { text: "From v2 to v3", source: "docs/migration.md" },
      { text: "Examples", source: "examples/README.md", path: "examples" },
      { text: "A whole app", source: "examples/garage/README.md", path: "garage" },
      { text: "Operations", source: "docs/operations.md" },
      { text: "What it costs", source: "docs/costs.md" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "The npm package", source: "pkg-template/README.md", path: "package" },
      { text: "Its functions and types", path: "api/index" },
      { text: "The HTTP API", source: "docs/http-api.md" },
      { text: "The HTTP API in OpenAPI", path: "openapi/index" },
      { text: "Settings", source: "docs/configuration.md" },
      { text: "Errors, and what to do", source: "docs/errors.md" },
      { text: "The simulator", source: "tests/simulator/npm/README.md", path: "simulator" },
      { text: "Changes", source: "CHANGELOG.md", path: "changelog" },
    ],
  },
  {
    text: "How it is made",
    items: [
      { text: "How it is safe", source: "docs/security.md" },
      { text: "How it is proved", source: "docs/proved.md" },
      { text: "Design", source: "docs/design.md" },
      { text: "What is stored", source: "docs/storage.md" },
      { text: "What it weighs", source: "docs/size.md" },
      { text: "Releasing", source: "docs/releasing.md" },
      { text: "Contributing", source: "CONTRIBUTING.md", path: "contributing" },
    ],
  },
];

const nameOf = (source) => source.split("/").at(-1).replace(/\.md$/, "");

/** Every page that is made of a file, with its address. */
export const PAGES = SIDE_BAR.flatMap(({ items }) => items)
  .filter(({ source }) => source)
  .map((page) => ({ ...page, path: page.path ?? nameOf(page.source) }));

/** The address of an entry of the side bar. */
export const addressOf = ({ source, path, link }) => `/${link ?? path?.replace(/index$/, "") ?? nameOf(source)}`;
