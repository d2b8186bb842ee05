// main.ts - takes over what the server has put into <main>, which stays as it is where there is no script or no state.
import { mount } from "svelte";
import Page from "./Page.svelte";
import type { State } from "./state";
import "./style.css";

function readState(): State | null {
  try {
    return JSON.parse(document.getElementById("state")?.textContent ?? "null") as State | null;
  } catch {
    return null;
  }
}

const main = document.querySelector("main");
const first = readState();
if (main && first) {
  main.replaceChildren();
  main.classList.add("app");
  mount(Page, { target: main, props: { first, address: location.pathname.replace(/\/$/, "") } });
}
