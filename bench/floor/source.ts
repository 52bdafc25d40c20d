// What a flooding shell of the floor says: no terminal stands in the way, for it is the relay that is measured.

import { WebSocket } from "ws";
import { FLOOD_LINE } from "../client/flood.ts";

/** About as much as the product's agent sends in a piece while a hundred look. */
const PIECE_BYTES = 16 * 1024;

const [url = ""] = process.argv.slice(2);
const frame = Buffer.alloc(PIECE_BYTES, `${FLOOD_LINE}\r\n`);

// Within one machine the product's agent masks with zeros, too.
const socket = new WebSocket(`${url}/source`, { perMessageDeflate: false, generateMask: (mask) => mask.fill(0) });
const send = () => socket.send(frame, (error) => error ?? send());
socket.on("open", () => {
  console.log("ready");
  send();
});
