// A component of the server, rendered for each request.
import { connection } from "next/server";
import { createState, hasCallback } from "smartcar-connect";

export default async function Page() {
  await connection();
  return (
    <p id="server">
      {createState()} {String(hasCallback("/?code=1&state=smartcar-connect.s"))}
    </p>
  );
}
