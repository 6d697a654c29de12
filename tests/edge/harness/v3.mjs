// The settings of a deployment on Smartcar's v3, with the credentials that the simulator knows.
export const V3 = {
  SMARTCAR_API_VERSION: "v3",
  SMARTCAR_API_CLIENT_ID: "client_simulator",
  SMARTCAR_API_CLIENT_SECRET: "simulator-api-client-secret",
};
