// The router in history mode, which keeps addresses in the state of the history.
import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";

import App from "./App.vue";
import Cars from "./Cars.vue";
import Settings from "./Settings.vue";

const routes = [
  { path: "/cars", component: Cars },
  { path: "/settings", component: Settings },
];
createApp(App).use(createRouter({ history: createWebHistory(), routes })).mount("#app");
