// One for the whole app. On the server it stays as it is, so that its requests may share it.
import { smartcarConnect } from "smartcar-connect/svelte";

export const cars = smartcarConnect({ vehicles: true });
