// state.ts - what berthd says of a service at /s/<token>/state, and in the events of /s/<token>/events.

export type Status = "accepted" | "waiting" | "deploying" | "live" | "failed" | "suspended";
export type Tone = "work" | "wait" | "bad" | "good";
export type StepState = "later" | "working" | "waiting" | "done" | "problem";

export interface Step {
  key: string;
  text: string;
  state: StepState;
  took_ms: number | null;
}

export interface Activity {
  seq: number;
  at: string;
  text: string;
}

export interface Eta {
  seconds: number;
  sure: boolean;
}

export interface Web {
  url: string;
  address_ip4: string | null;
  address_ip6: string | null;
  server: string | null;
  php: string | null;
  ssl: "none" | "waiting" | "issued";
}

export interface Mail {
  /** As people read and write it. */
  mailbox: string | null;
  /** The same as mail programs need it. */
  login: string | null;
  imap_host: string;
  imap_port: number;
  imap_security: string;
  smtp_host: string;
  smtp_port: number;
  smtp_security: string;
  webmail: string | null;
}

export interface Dns {
  name_servers: { name: string; ip4: string | null }[];
  seen: "yes" | "partly" | "no" | "unknown";
  found: string[];
  looked_at: string | null;
  next_look_at: string | null;
}

export interface Ssl {
  state: "waiting" | "issued" | "failed" | "none";
  record: string | null;
  expected: string | null;
  seen: "yes" | "partly" | "no" | "unknown";
  found: string[];
  looked_at: string | null;
  next_look_at: string | null;
}

/** Where a control panel is that the passwords are for. */
export interface Control {
  what: string;
  url: string;
}

export interface Panel {
  web: Web | null;
  mail: Mail | null;
  dns: Dns | null;
  ssl: Ssl | null;
  controls: Control[];
}

export interface State {
  seq: number;
  status: Status;
  domain: string;
  domain_ascii: string;
  headline: string;
  message: string | null;
  tone: Tone;
  until: string | null;
  percent: number;
  eta: Eta | null;
  steps: Step[];
  activity: Activity[];
  panel: Panel | null;
  credentials: { available: boolean; shown_at: string | null; changing: boolean; failed?: boolean };
  /** When it has stopped: who knows, or what can be done. */
  help: string | null;
  can_retry: boolean;
  ticket: boolean;
}

export interface Credential {
  kind: string;
  what: string;
  login: string;
  password: string;
}
