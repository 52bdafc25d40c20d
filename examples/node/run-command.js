// Runs one command on an agent over rexec.v1, prints its output, and exits with 1 where it failed.
import { call, main, sessions } from "./rexec.js";

await main(async ([agent_id, ...words]) => {
  const { url, ticket } = await call(sessions, "OpenTerminal", { agent_id });
  const result = await exec(url, ticket, words.join(" "));
  process.stdout.write(result.output);
  if (!result.success) process.exitCode = 1;
});

/** The ticket travels as a subprotocol, as in a browser: it opens this one terminal, for a short time. */
function exec(url, ticket, command) {
  const socket = new WebSocket(url, ["rexec.v1", `rexec.token.${ticket}`]);
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "shell_started") socket.send(JSON.stringify({ type: "exec", data: { command } }));
      if (message.type === "error") reject(new Error(`${message.data.reason}: ${message.data.message}`));
      if (message.type === "exec_result") resolve(message.data);
    };
    socket.onclose = ({ code, reason }) => reject(new Error(`closed with ${code} ${reason}`));
    socket.onerror = () => reject(new Error("the WebSocket can't be opened"));
  }).finally(() => socket.close());
}
