// routes.ts - every page of the staff's pages: its addresses, where its code is, and the menu.

import type { IconName } from "./ui/icons";
import type { Route } from "./router.svelte";
import type { Words } from "./words";

export type NavName =
  | "dashboard" | "services" | "queue" | "nodes" | "tickets" | "run"
  | "products" | "groups" | "zones"
  | "settings" | "tokens" | "staff" | "audit" | "account";

export interface NavEntry {
  name: NavName;
  href: string;
  icon: IconName;
  words: Words;
}

export const NAV: readonly { words: Words; entries: readonly NavEntry[] }[] = [
  {
    words: "nav.work",
    entries: [
      { name: "dashboard", href: "/", icon: "dashboard", words: "nav.dashboard" },
      { name: "services", href: "/services", icon: "world", words: "nav.services" },
      { name: "queue", href: "/queue", icon: "list", words: "nav.queue" },
      { name: "nodes", href: "/nodes", icon: "server", words: "nav.nodes" },
      { name: "tickets", href: "/tickets", icon: "ticket", words: "nav.tickets" },
      { name: "run", href: "/run", icon: "upload", words: "nav.run" },
    ],
  },
  {
    words: "nav.catalogue",
    entries: [
      { name: "products", href: "/products", icon: "package", words: "nav.products" },
      { name: "groups", href: "/groups", icon: "stack", words: "nav.groups" },
      { name: "zones", href: "/zone-templates", icon: "file", words: "nav.zones" },
    ],
  },
  {
    words: "nav.system",
    entries: [
      { name: "settings", href: "/settings", icon: "sliders", words: "nav.settings" },
      { name: "tokens", href: "/tokens", icon: "key", words: "nav.tokens" },
      { name: "staff", href: "/staff", icon: "users", words: "nav.staff" },
      { name: "audit", href: "/audit", icon: "history", words: "nav.audit" },
    ],
  },
];

export const ROUTES: readonly Route[] = [
  { paths: ["/login"], load: () => import("./pages/Login.svelte"), nav: "", bare: true },
  { paths: ["/"], load: () => import("./pages/Dashboard.svelte"), nav: "dashboard" },
  { paths: ["/services"], load: () => import("./pages/Services.svelte"), nav: "services" },
  { paths: ["/services/new"], load: () => import("./pages/ServiceNew.svelte"), nav: "services" },
  { paths: ["/services/:id", "/services/:id/:tab", "/services/:id/:tab/:task"], load: () => import("./service/Service.svelte"), nav: "services" },
  { paths: ["/queue"], load: () => import("./pages/Queue.svelte"), nav: "queue" },
  { paths: ["/nodes"], load: () => import("./nodes/Nodes.svelte"), nav: "nodes" },
  { paths: ["/nodes/new"], load: () => import("./nodes/NodeNew.svelte"), nav: "nodes" },
  { paths: ["/nodes/:id"], load: () => import("./nodes/Node.svelte"), nav: "nodes" },
  { paths: ["/tickets"], load: () => import("./pages/Tickets.svelte"), nav: "tickets" },
  { paths: ["/tickets/:id"], load: () => import("./pages/Ticket.svelte"), nav: "tickets" },
  { paths: ["/run"], load: () => import("./run/Run.svelte"), nav: "run" },
  { paths: ["/products"], load: () => import("./catalogue/Products.svelte"), nav: "products" },
  { paths: ["/products/new"], load: () => import("./catalogue/ProductNew.svelte"), nav: "products" },
  { paths: ["/groups"], load: () => import("./catalogue/Groups.svelte"), nav: "groups" },
  { paths: ["/zone-templates"], load: () => import("./catalogue/ZoneTemplates.svelte"), nav: "zones" },
  { paths: ["/zone-templates/:name"], load: () => import("./catalogue/ZoneTemplate.svelte"), nav: "zones" },
  { paths: ["/settings"], load: () => import("./pages/Settings.svelte"), nav: "settings" },
  { paths: ["/tokens"], load: () => import("./pages/Tokens.svelte"), nav: "tokens" },
  { paths: ["/staff"], load: () => import("./pages/Staff.svelte"), nav: "staff" },
  { paths: ["/audit"], load: () => import("./pages/Audit.svelte"), nav: "audit" },
  { paths: ["/account"], load: () => import("./pages/Account.svelte"), nav: "account" },
];
