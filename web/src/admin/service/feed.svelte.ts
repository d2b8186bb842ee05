// feed.svelte.ts - everything that the tabs of one service show, kept up to date by the server's stream: the service, its operations,
// the tasks of the operation that is looked at, and the timeline.
import { onDestroy } from "svelte";
import { api } from "../../lib/api";
import { coalesce, live, type LiveState } from "../../lib/live";
import { Resource } from "../../lib/resource.svelte";
import type { Operation, Service, ServiceEvent, Task } from "../../lib/types";

const TASKS_MS = 250; // between two looks at the tasks, at most four a second
const SERVICE_MS = 500;
const POLL_MS = 1500; // while there is no stream
const EVENTS_AT_ONCE = 1000;

interface EventPage {
  events: ServiceEvent[];
  last_seq: number;
}

export class ServiceFeed {
  readonly id: string;
  readonly service: Resource<Service>;
  readonly operations: Resource<Operation[]>;
  readonly tasks: Resource<{ operation_id: string | null; tasks: Task[] }>;
  /** the timeline, the oldest first */
  events = $state.raw<ServiceEvent[]>([]);
  eventsLoaded = $state(false);
  stream = $state<LiveState>("connecting");
  /** counts what has happened: who shows something else of the service looks again when it changes */
  version = $state(0);
  /** the operation that somebody has chosen; null: always the latest */
  chosen = $state<string | null>(null);
  #seq = 0;
  #came: ServiceEvent[] = [];
  #loading: Promise<void> | null = null;
  readonly #take = coalesce(() => this.#takeEvents(), 100);

  constructor(id: string) {
    this.id = id;
    this.service = new Resource((signal) => api.get<Service>(`/services/${id}`, undefined, signal), SERVICE_MS);
    this.operations = new Resource(async (signal) => (await api.get<{ operations: Operation[] }>(`/services/${id}/operations`, undefined, signal)).operations, SERVICE_MS);
    this.tasks = new Resource((signal) => this.#askTasks(signal), TASKS_MS);
    void this.service.refresh();
    void this.operations.refresh();
    void this.tasks.refresh();
    let stream: ReturnType<typeof live> | null = null;
    let gone = false;
    void this.#loadEvents().finally(() => {
      if (gone) return;
      stream = live(`/api/v1/services/${id}/stream`, {
        from: "after",
        start: this.#seq,
        on: {
          event: (event: ServiceEvent) => this.#hear([event]),
          tasks: () => {
            this.tasks.hint();
            this.service.hint();
            this.version++;
          },
        },
        resync: () => this.refresh(),
        state: (state) => (this.stream = state),
      });
    });
    const poll = setInterval(() => {
      if (this.stream !== "live" && !document.hidden) this.refresh();
    }, POLL_MS);
    onDestroy(() => {
      gone = true;
      clearInterval(poll);
      stream?.close();
      this.#take.cancel();
    });
  }

  /** Ask for everything again, soon. */
  refresh(): void {
    this.service.hint();
    this.operations.hint();
    this.tasks.hint();
    this.version++;
    void this.#loadEvents();
  }

  /** The operation that is shown. */
  get operation(): Operation | undefined {
    const all = this.operations.data ?? [];
    return all.find((operation) => operation.id === this.chosen) ?? all[all.length - 1];
  }

  /** Show this operation, or always the latest. */
  choose(id: string | null): void {
    if (this.chosen === id) return;
    this.chosen = id;
    void this.tasks.reset();
  }

  async #askTasks(signal: AbortSignal): Promise<{ operation_id: string | null; tasks: Task[] }> {
    let id = this.chosen;
    if (id === null) {
      const { operations } = await api.get<{ operations: Operation[] }>(`/services/${this.id}/operations`, undefined, signal);
      this.operations.data = operations;
      id = operations[operations.length - 1]?.id ?? null;
    }
    return id === null ? { operation_id: null, tasks: [] } : api.get(`/operations/${id}/tasks`, undefined, signal);
  }

  #loadEvents(): Promise<void> {
    this.#loading ??= this.#askEvents().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #askEvents(): Promise<void> {
    try {
      for (;;) {
        const page = await api.get<EventPage>(`/services/${this.id}/events`, { after: this.#seq, limit: EVENTS_AT_ONCE });
        this.#hear(page.events);
        if (page.events.length < EVENTS_AT_ONCE) break;
      }
      this.eventsLoaded = true;
    } catch {
      // the service says what is wrong; the timeline is asked for again
    }
  }

  #hear(events: readonly ServiceEvent[]): void {
    let operations = false;
    for (const event of events) {
      if (event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      this.#came.push(event);
      operations ||= event.kind.startsWith("operation.") || event.kind.startsWith("service.");
    }
    if (this.#came.length === 0) return;
    this.#take();
    this.tasks.hint();
    this.service.hint();
    if (operations) this.operations.hint();
  }

  #takeEvents(): void {
    this.events = [...this.events, ...this.#came];
    this.#came = [];
    this.version++;
  }
}
