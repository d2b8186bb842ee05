// page.mjs - what the customer's page weighs: everything that a browser loads for it while a service is set up, as it comes over the
// wire. The larger of the setup's page and of the control panel that it becomes.

import { BenchLab } from "./lab.mjs";
import { figure, say } from "./figures.mjs";
import { Browser } from "../browser/browser.mjs";

export async function page() {
  const lab = new BenchLab();
  const browser = new Browser();
  try {
    await lab.up();
    await browser.open();
    lab.commandsLast(1000);
    const order = await lab.order("small.example");
    const address = `${lab.daemon.base}${new URL(order.customer_url).pathname}`;
    const setup = await browser.weigh(await browser.page(), address);
    await lab.status(order.id, "live", 180000);
    const panel = await browser.weigh(await browser.page(), address);
    say(`page: ${(setup / 1000).toFixed(1)} kB during the setup, ${(panel / 1000).toFixed(1)} kB as the control panel`);
    figure("page.kb", Math.max(setup, panel) / 1000, "kB", { atMost: 60 });
  } finally {
    await browser.close();
    await lab.close();
  }
}
