import "@tabler/core/dist/css/tabler.min.css";
import "./admin.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { router } from "./router.svelte";
import { session } from "./session.svelte";
import { theme } from "./theme.svelte";

theme.start();
router.start();
void session.start();
const target = document.getElementById("app");
if (target) mount(App, { target });
