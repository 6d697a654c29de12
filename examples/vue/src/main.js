import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import { smartcarConnect } from "smartcar-connect/vue";

import App from "./App.vue";
import Cars from "./Cars.vue";
import Settings from "./Settings.vue";

const routes = [
  { path: "/", component: Cars },
  { path: "/settings", component: Settings },
];
createApp(App)
  .use(createRouter({ history: createWebHistory(), routes }))
  .use(smartcarConnect, { vehicles: true })
  .mount("#app");
