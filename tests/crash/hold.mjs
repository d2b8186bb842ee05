// hold.mjs - the test's side of hold_at.c: says at which moment berthd stands still, hears when it does, and lets it go on.

import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { build } from "../lib/world.mjs";

/** What can go wrong at a moment of a step, in the order in which they come; the numbers are those of hold_at.c. */
export const MOMENTS = { taken: 1, unread: 2, uncommitted: 3, committed: 4 };

const CONTROL_SIZE = 336; // struct control
const FIELDS = { address: 8, port: 12, key: [16, 64], request: [80, 128], mark: [208, 128] };

/** One thread of berthd that stands still. It is let go by release(), or ends with its process. */
class Held {
  constructor(socket, attempt) {
    this.socket = socket;
    this.attempt = attempt; // whose command it is about; 0: not known
  }

  /** @param lost what it was about to read never comes: its connection is gone */
  release(lost = false) {
    this.socket.end(lost ? "l" : "g");
  }
}

export class Hold {
  constructor(directory) {
    this.control = join(directory, "hold");
    this.path = join(directory, "hold.sock");
    this.env = { LD_PRELOAD: join(build, "tests/crash/hold_at.so"), BERTH_HOLD_CONTROL: this.control, BERTH_HOLD_SOCKET: this.path };
  }

  async open() {
    writeFileSync(this.control, Buffer.alloc(CONTROL_SIZE));
    this.server = net.createServer((socket) => {
      socket.on("error", () => {}); // berthd may be killed while it stands
      socket.once("data", (line) => this.arrived(new Held(socket, Number(line))));
    });
    await new Promise((resolve) => this.server.listen(this.path, resolve));
  }

  close() {
    this.server?.close();
    rmSync(this.control, { force: true });
  }

  /**
   * Hold the next thread that comes to this moment.
   * @param key of the step's task  @param at how its command is known, for "unread": {address, port, request, mark}
   * @return resolves to what is held
   */
  arm(moment, key, at = {}) {
    const held = new Promise((resolve) => (this.arrived = resolve));
    const block = Buffer.alloc(CONTROL_SIZE);
    const text = ([offset, size], value) => block.write(value, offset, size - 1, "latin1");
    if (at.address) Buffer.from(at.address.split(".").map(Number)).copy(block, FIELDS.address);
    block.writeUInt32LE(at.port ?? 0, FIELDS.port);
    text(FIELDS.key, `"key":"${key}",`);
    text(FIELDS.request, at.request ?? "");
    text(FIELDS.mark, at.mark ?? "");
    this.write(block.subarray(4), 4);
    const number = Buffer.alloc(4);
    number.writeUInt32LE(MOMENTS[moment]);
    this.write(number, 0); // last: from here on it counts
    return held;
  }

  disarm() {
    this.write(Buffer.alloc(4), 0);
  }

  write(bytes, offset) {
    const file = openSync(this.control, "r+");
    writeSync(file, bytes, 0, bytes.length, offset);
    closeSync(file);
  }
}
