import process from "node:process";
import { slug } from "github-slugger";
import { defineConfig } from "vitepress";

import { siteLinks } from "../build/links.mjs";
import { PAGES, REPOSITORY, SIDE_BAR, addressOf } from "../pages.mjs";

/** Where the site is served, such as `/smartcar-connect/`. */
const BASE = process.env.DOCS_BASE ?? "/";

const groups = SIDE_BAR.map(({ text, items }) => ({ text, items: items.map((page) => ({ text: page.text, link: addressOf(page) })) }));

/** What the search knows of a page: of the description of the HTTP API each operation, and not each parameter, which are the same ones again. */
function searched(source, env, markdown) {
  const html = markdown.render(source, env);
  if (!env.relativePath.startsWith("openapi/")) return html;
  return html.replace(/<h2 id="schemas"[\s\S]*$/, "").replace(/<h3 [\s\S]*?(?=<h2 |$)/g, "");
}

export default defineConfig({
  title: "smartcar-connect",
  description: "Let owners connect their cars to your app through Smartcar Connect, without a token ever reaching a browser",
  lang: "en",
  base: BASE,
  srcDir: "pages",
  outDir: "../../dist/docs",
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${BASE}icon.svg` }]],
  // A folder of files that any server can serve.
  cleanUrls: false,
  metaChunk: true,
  // No page of the site: what runs on the reader's machine.
  ignoreDeadLinks: "localhostLinks",
  markdown: {
    anchor: { slugify: slug },
    // Those of GitHub with the contrast that WCAG asks for.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: siteLinks,
  },
  transformPageData(page) {
    const source = PAGES.find(({ path }) => `${path}.md` === page.relativePath)?.source;
    // What is edited is the source; nobody edits what is generated.
    if (source) page.filePath = source;
    else page.frontmatter.editLink = false;
  },
  themeConfig: {
    nav: [
      { text: "Start", link: "/start" },
      { text: "Guides", link: "/users", activeMatch: "^$" },
      { text: "Reference", link: "/package", activeMatch: "^$" },
      { text: "How it is safe", link: "/security" },
    ],
    sidebar: groups,
    outline: { level: [2, 3], label: "On this page" },
    search: { provider: "local", options: { _render: searched } },
    socialLinks: [{ icon: "github", link: REPOSITORY, ariaLabel: "The repository" }],
    editLink: {
      pattern: `${REPOSITORY}/edit/main/:path`,
      text: "Edit this page",
    },
    footer: { message: "An independent project, not affiliated with Smartcar, Inc. MIT or Apache-2.0, at your option." },
  },
});
