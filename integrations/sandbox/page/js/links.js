/** Links that the bot writes lead to the systems' own pages. The sandbox has none of those: it shows the same thing. */

import { showApplication } from "./world/panel.js";
import { toast } from "./toast.js";

export function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target=_blank]");
    if (!link) return;
    const url = new URL(link.href);
    const application = /^\/applications\/(?:[^/]+\/)?([^/]+)$/.exec(url.pathname);
    if (application && url.hostname === "127.0.0.1") {
      event.preventDefault();
      showApplication(application[1]);
    } else if (url.hostname.endsWith("example.com")) {
      event.preventDefault();
      toast(`In a real workspace this opens ${url.href}`, "info");
    }
  });
}
