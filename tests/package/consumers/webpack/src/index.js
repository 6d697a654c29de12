import { connections, createState, hasCallback, init } from "smartcar-connect";

const isCallback = hasCallback();
const asked = connections({ edge: "/nothing-there" }).catch(({ code }) => code);
Promise.all([init(), asked])
  .then(([, answer]) => ({ isCallback, answer, state: createState() }))
  .catch(String)
  .then((result) => (globalThis.result = result));
