import { mount } from "svelte";
import Page from "./Page.svelte";

const target = document.querySelector("main");
if (target) {
  target.replaceChildren();
  mount(Page, { target });
}
