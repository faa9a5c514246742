// What was chosen or written and not saved stays while pages change, also over a new sign-in: in this window's memory,
// nowhere else.
"use strict";
(() => {
  // By the address of the form: what its fields hold, whether it was sent, whether there is writing in it.
  const drafts = new Map();
  let owner = "";

  const all = (selector) => [...document.querySelectorAll(selector)];

  function keep(event) {
    const form = event.target.closest?.("form[data-keep]");
    if (!form) return;
    const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
    const written = drafts.get(form.getAttribute("action"))?.written || event.target.type !== "checkbox";
    drafts.set(form.getAttribute("action"), { fields, sent: false, written });
  }

  function bringBack(form) {
    const { fields } = drafts.get(form.getAttribute("action"));
    for (const field of form.elements) {
      const given = fields.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.type === "checkbox") field.checked = given.includes(field.value);
      else if (given.length) field.value = given[0];
    }
  }

  function start() {
    const who = document.querySelector("[data-who]")?.dataset.who;
    if (who && who !== owner) {
      drafts.clear();
      owner = who;
    }
    // Without a reader, or refused: it was not taken. Every other answer took it, or shows it with what is wrong.
    const taken = who && !document.querySelector("[data-refused]");
    for (const [address, draft] of drafts) {
      if (taken && draft.sent) drafts.delete(address);
      draft.sent = false;
    }
    for (const form of all("form[data-keep]:not([data-closed])")) if (drafts.has(form.getAttribute("action"))) bringBack(form);
  }

  document.addEventListener("input", keep);
  document.addEventListener("change", keep);
  document.addEventListener("submit", (event) => {
    const draft = drafts.get(event.target.getAttribute("action"));
    if (draft) draft.sent = true;
    if (event.target.matches("[data-leave]")) drafts.clear();
  });
  document.addEventListener("htmx:sendError", () => drafts.forEach((draft) => { draft.sent = false; }));
  window.addEventListener("beforeunload", (event) => {
    if ([...drafts.values()].some((draft) => draft.written)) event.preventDefault();
  });
  // Before desk.js looks at the page: it is loaded after this.
  document.addEventListener("htmx:afterSettle", (event) => {
    if ((event.detail.target ?? document.body) === document.body) start();
  });
  document.addEventListener("htmx:historyRestore", start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
