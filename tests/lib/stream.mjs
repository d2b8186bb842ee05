// stream.mjs - a client of Server-Sent Events that says when something came: small, so that thousands of them cost little.

import net from "node:net";

/** Now, in milliseconds since 1970, finer than Date.now(). */
export const nowMs = () => performance.timeOrigin + performance.now();

/** The bytes of a stream without the frames of chunked transfer; may be cut anywhere. */
class Chunks {
  constructor() {
    this.rest = Buffer.alloc(0);
    this.headed = false;
  }

  /** @return what is whole of the stream now, as one text */
  take(data) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    const parts = [];
    if (!this.headed) {
      const end = this.rest.indexOf("\r\n\r\n");
      if (end < 0) return "";
      this.status = Number(this.rest.subarray(9, 12).toString());
      this.headed = true;
      this.rest = this.rest.subarray(end + 4);
    }
    for (;;) {
      const line = this.rest.indexOf("\r\n");
      if (line < 0) break;
      const length = parseInt(this.rest.subarray(0, line).toString(), 16);
      if (this.rest.length < line + 2 + length + 2) break;
      parts.push(this.rest.subarray(line + 2, line + 2 + length));
      this.rest = this.rest.subarray(line + 2 + length + 2);
    }
    return Buffer.concat(parts).toString();
  }
}

export class Stream {
  /** @param onEvent is called with {name, id, data (text), at (ms)}  @param headers for the request */
  constructor(base, path, onEvent, headers = {}) {
    const { hostname, port, host } = new URL(base);
    const chunks = new Chunks();
    let text = "";
    this.socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (data) => {
      const at = nowMs();
      text += chunks.take(data);
      if (chunks.headed && chunks.status !== 200) this.failed = chunks.status;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const event = parse(text.slice(0, end), at);
        if (event) onEvent(event);
      }
    });
    this.ended = new Promise((resolve) => this.socket.on("close", resolve));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join("")}\r\n`);
  }

  close() {
    this.socket.destroy();
  }
}

function parse(block, at) {
  const event = { name: "", id: "", data: "", at };
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) event.name = line.slice(7);
    else if (line.startsWith("id: ")) event.id = line.slice(4);
    else if (line.startsWith("data: ")) event.data = line.slice(6);
  }
  return event.name ? event : undefined;
}
