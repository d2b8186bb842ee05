// types.ts - the records of the API, as docs/openapi.yaml describes them.

/** ISO 8601 in UTC, or null for never. */
export type Moment = string | null;
export type Cursor = string | null;

export type Access = "viewer" | "operator" | "owner";
export type Role = "web" | "mail" | "dns";
export type Mode = "split" | "unified" | "vanity";

export const SERVICE_STATUSES = ["accepted", "waiting", "deploying", "live", "failed", "suspended", "terminated"] as const;
export type ServiceStatus = (typeof SERVICE_STATUSES)[number];
export const TASK_STATES = ["blocked", "queued", "running", "waiting", "held", "done", "failed", "cancelled", "superseded"] as const;
export type TaskState = (typeof TASK_STATES)[number];
export type OperationKind = "deploy" | "redeploy" | "verify" | "suspend" | "unsuspend" | "terminate" | "change-package" | "plan" | "password";
export type OperationState = "running" | "done" | "failed" | "cancelled" | "superseded";
export type AttemptOutcome = "running" | "done" | "retry" | "failed" | "conflict" | "lost" | "superseded" | "waited";
export type NodeState = "active" | "draining" | "paused" | "unreachable";
export type Choice = "adopt" | "rename" | "abort";

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  field?: string;
  instance?: string;
}

export interface Session {
  kind: "staff" | "token";
  id: string;
  name: string;
  role: Access;
  csrf?: string;
  version?: string;
}

export interface Client {
  id: string;
  name?: string;
  email: string;
}

export interface Options {
  mailbox?: string | null;
  mailbox_quota_mb?: number | "unlimited";
  php?: string;
}

export interface Order {
  product: string;
  domain: string;
  client: Client;
  external_id?: string;
  options?: Options;
}

export interface Accepted {
  id: string;
  status: "accepted";
  status_url: string;
  customer_url: string;
  existing?: boolean;
}

export interface ServiceSummary {
  id: string;
  external_id: string;
  generation: number;
  status: ServiceStatus;
  reason: string;
  domain: string;
  domain_unicode: string;
  product: string;
  mode: Mode;
  client: Client;
  created_at: Moment;
  updated_at: Moment;
  live_at: Moment;
}

/** How much longer something takes, from what was learned of past runs. */
export interface Eta {
  p50_s: number;
  p90_s: number;
  sure: boolean;
}

export interface Operation {
  id: string;
  kind: OperationKind;
  state: OperationState;
  service_id?: string;
  pipeline: string;
  pipeline_hash: string;
  tasks: { done: number; total: number };
  created_at: Moment;
  ended_at: Moment;
  eta?: Eta | null;
}

export interface PlacedNode {
  id: string;
  name: string;
  account: string;
}

/** Whether the world sees something. */
export type Seen = "yes" | "partly" | "no" | "unknown";

export interface Service extends ServiceSummary {
  options: Options;
  progress: { done: number; total: number; percent: number };
  operation: Operation | null;
  roles: { role: Role; nodes: PlacedNode[] }[];
  /** what resolvers of the world see; null before it is live */
  world?: { seen: Seen; reason: string | null; found: string[]; expected: string[]; looked_at: Moment; next_look_at: Moment } | null;
  ssl: {
    state: "seeded" | "waiting-dns" | "issued" | "failed";
    /** the record that must be seen first, what it must say, and what it says */
    record?: string;
    expected?: string | null;
    seen?: Seen;
    found?: string[];
    looked_at?: Moment;
    next_look_at?: Moment;
  } | null;
  status_url: string;
  /** null for viewers: who has it may read and change the passwords */
  customer_url: string | null;
  eta?: Eta | null;
}

export interface ServiceEvent {
  seq: number;
  at: Moment;
  kind: string;
  data: Record<string, unknown>;
}

export interface Task {
  id: string;
  service_id: string;
  operation_id: string;
  /** of its service, in lists of all services */
  domain?: string;
  key: string;
  action: string;
  role: Role | null;
  node: string | null;
  lane: string;
  state: TaskState;
  needs_left: number;
  weight: number;
  attempts: number;
  attempt_id: string | null;
  suspect: boolean;
  cause: string;
  reason: string;
  choices?: Choice[];
  /** of the lists of an operation: the tasks that must end before it, and what was learned of its time */
  needs?: string[];
  critical?: boolean;
  expected_ms?: number | null;
  due_at: Moment;
  created_at: Moment;
  started_at: Moment;
  ended_at: Moment;
}

export interface Attempt {
  id: string;
  number: number;
  outcome: AttemptOutcome;
  cause: string;
  detail: string;
  started_at: Moment;
  ended_at: Moment;
  log_bytes: number;
  log_truncated: boolean;
  log_removed_at: Moment;
}

export interface TaskWithAttempts extends Task {
  attempt_list: Attempt[];
}

export interface LogChunk {
  offset: number;
  at: Moment;
  stream: "berth" | "stdout" | "stderr";
  text: string;
}

export interface Log {
  attempt_id: string;
  chunks: LogChunk[];
  next_offset: number;
  ended: boolean;
  truncated: boolean;
  removed_at: Moment;
  outcome: AttemptOutcome;
}

export interface NewNode {
  name: string;
  address: string;
  port?: number;
  user?: string;
  driver?: string;
  roles: Role[];
  groups: string[];
  host_key?: string;
  hostname?: string;
  public_ip4?: string;
  public_ip6?: string;
  ns_name?: string;
  probe_address?: string;
  probe_http_port?: number;
  probe_imap_port?: number;
  probe_dns_port?: number;
  channels_max?: number;
  capacity_max?: number;
}

export interface Node extends Required<NewNode> {
  id: string;
  fingerprint: string;
  /** services placed on it */
  load: number;
  state: NodeState;
  /** why it is unreachable, also while it is paused or draining; else "" */
  state_reason: string;
  state_since: Moment;
  last_contact_at: Moment;
  created_at: Moment;
}

export interface NodeTest {
  ok: boolean;
  detail?: string;
  facts: Record<string, unknown> | null;
}

export interface Group {
  id: string;
  name: string;
  title: string;
}

/** A number, -1 or "unlimited". */
export type Limit = number | "unlimited";

export interface WebSpec {
  disk_mb?: Limit;
  bandwidth_mb?: Limit;
  domains?: Limit;
  aliases?: Limit;
  databases?: Limit;
  cron_jobs?: Limit;
  backups?: number;
  php?: string;
}

export interface MailSpec {
  disk_mb?: Limit;
  domains?: Limit;
  accounts?: Limit;
  rate_per_hour?: number;
  mailbox?: string;
}

export interface DnsSpec {
  domains?: Limit;
  records?: Limit;
  template?: string;
  ttl?: number;
}

export interface NewProduct {
  name: string;
  title?: string;
  mode?: Mode;
  group: string;
  web?: WebSpec;
  mail?: MailSpec;
  dns?: DnsSpec;
  customer_retry?: boolean;
}

export interface Product extends NewProduct {
  id: string;
  created_at: Moment;
}

export interface ZoneTemplate {
  name: string;
  text: string;
}

export type SettingValue = string | number | boolean;

export interface Setting {
  name: string;
  type: "duration" | "number" | "decimal" | "boolean" | "choice" | "text" | "url" | "email";
  /** what a number alone counts in; "" none */
  unit: string;
  min?: SettingValue;
  max?: SettingValue;
  choices?: string[];
  /** for people: "100 ms to 1 h" */
  range: string;
  secret: boolean;
  /** it is not the default */
  set: boolean;
  default?: SettingValue;
  value?: SettingValue;
  help: string;
}

export interface SettingChange {
  id: string;
  at: Moment;
  who: string;
  name: string;
  from: string;
  to: string;
}

export interface Queue {
  queued: number;
  running: number;
  waiting: number;
  held: number;
  failed: number;
  oldest_queued_at: Moment;
  services: Record<ServiceStatus, number>;
  /** messages of tickets that have not been sent: to be sent, those of them that could not be so far, refused for good */
  outbox: { waiting: number; troubled: number; failed: number };
}

export interface TicketMessage {
  id: string;
  kind: "open" | "note" | "recovered";
  state: "queued" | "sending" | "sent" | "failed";
  attempts: number;
  last_error: string;
  created_at: Moment;
  due_at: Moment;
  sent_at: Moment;
  body?: Record<string, unknown>;
}

export interface Ticket {
  id: string;
  service_id: string;
  domain: string;
  operation_id: string;
  channel: "whmcs" | "mail" | "webhook";
  state: "open" | "closed";
  marker: string;
  remote_id: string;
  remote_number: string;
  created_at: Moment;
  updated_at: Moment;
  messages: TicketMessage[];
}

export interface Staff {
  id: string;
  name: string;
  role: Access;
  disabled: boolean;
  created_at: Moment;
  last_login_at: Moment;
}

export interface Token {
  id: string;
  name: string;
  role: Access;
  created_at: Moment;
  revoked_at: Moment;
}

export interface AuditEntry {
  id: string;
  at: Moment;
  who: string;
  action: string;
  target: string;
  detail: string;
}

export interface Credential {
  kind: "panel" | "mailbox";
  what: string;
  login: string;
  password: string;
  /** beside one that is being changed: either may be the one that works */
  next?: string;
}

export interface Health {
  status: "ok" | "stalled";
  version: string;
  engine_age_ms: number;
}

/** What GET /api/v1/stream says with `event: change`. */
export interface Change {
  services: string[];
  nodes: string[];
  queue: boolean;
  tickets: boolean;
}

export interface ServicePage {
  services: ServiceSummary[];
  next_cursor: Cursor;
}
export interface TaskPage {
  tasks: Task[];
  next_cursor: Cursor;
}
export interface TicketPage {
  tickets: Ticket[];
  next_cursor: Cursor;
}
export interface AuditPage {
  entries: AuditEntry[];
  next_cursor: Cursor;
}
export interface ChangePage {
  changes: SettingChange[];
  next_cursor: Cursor;
}
