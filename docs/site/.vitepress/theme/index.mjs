// VitePress's own theme, with the fonts of the reader's system.
import { Content } from "vitepress";
import Theme, { VPHomeContent, VPHomeFeatures, VPHomeHero } from "vitepress/theme-without-fonts";
import { h } from "vue";
import "./style.css";

/** What VitePress has as its layout `home`, as the main part of the page that it is. */
const FirstPage = () =>
  h("main", { class: "VPHome" }, [h(VPHomeHero), h(VPHomeFeatures), h(VPHomeContent, null, { default: () => h(Content) })]);

export default {
  extends: Theme,
  enhanceApp: ({ app }) => app.component("first-page", FirstPage),
};
