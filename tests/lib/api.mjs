// api.mjs - berthd's HTTP interface, as a billing system would speak to it.

/** An answer that was not the expected one. */
export class ApiError extends Error {
  constructor(method, path, answer) {
    super(`${method} ${path}: ${answer.status} ${answer.text.trim()}`);
    this.answer = answer;
  }
}

export class Api {
  /** @param base "http://127.0.0.1:PORT", or a function that gives it: berthd may come back on another port */
  constructor(base, token) {
    this.base = typeof base === "function" ? base : () => base;
    this.token = token;
  }

  /** Any request; never throws for a status. `body` that is no text is sent as JSON. */
  async request(method, path, body, headers = {}) {
    const text = body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    const response = await fetch(this.base() + path, {
      method,
      body: text,
      redirect: "manual",
      signal: AbortSignal.timeout(20000),
      headers: {
        connection: "close", // berthd is killed often here, and a socket that was kept is then a trap
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(text !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
    });
    const answer = { status: response.status, headers: response.headers, text: await response.text() };
    if (/json/.test(response.headers.get("content-type") ?? "")) answer.json = JSON.parse(answer.text);
    return answer;
  }

  async ok(method, path, body, headers) {
    const answer = await this.request(method, path, body, headers);
    if (answer.status < 200 || answer.status > 299) throw new ApiError(method, path, answer);
    return answer.json;
  }

  get(path) {
    return this.ok("GET", `/api/v1${path}`);
  }

  post(path, body, headers) {
    return this.ok("POST", `/api/v1${path}`, body ?? {}, headers);
  }

  patch(path, body) {
    return this.ok("PATCH", `/api/v1${path}`, body);
  }

  service(id) {
    return this.get(`/services/${id}`);
  }

  async tasks(id) {
    return (await this.get(`/services/${id}/tasks`)).tasks;
  }

  async events(id) {
    const all = [];
    for (let after = 0; ; ) {
      const page = await this.get(`/services/${id}/events?after=${after}&limit=1000`);
      all.push(...page.events);
      if (page.events.length < 1000) return all;
      after = page.last_seq;
    }
  }

  /** The task with its attempts. */
  async task(id, key) {
    const task = (await this.tasks(id)).find((each) => each.key === key || each.action === key);
    return task && this.get(`/tasks/${task.id}`);
  }

  /** All of an attempt's log, in one text per stream, and whether it has ended. */
  async log(attemptId) {
    const log = { berth: "", stdout: "", stderr: "", chunks: [], ended: false };
    for (let offset = 0; ; ) {
      const page = await this.get(`/attempts/${attemptId}/log?offset=${offset}`);
      for (const chunk of page.chunks) log[chunk.stream] += chunk.text;
      log.chunks.push(...page.chunks);
      log.ended = page.ended;
      if (page.next_offset === offset) return log;
      offset = page.next_offset;
    }
  }
}
