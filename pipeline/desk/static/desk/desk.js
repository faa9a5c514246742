// Keys, evidence and the save button. Every page works without this file, only slower.
"use strict";
(() => {
  // Nobody has read a page that has just opened: a second stroke of the same key must not decide it.
  const SETTLE_MS = 400;
  let opened = 0;
  let busy = false;

  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  // A window that is closed gives back what it only opened, unless another one shows it too: they count themselves.
  let counted = "";
  let going = false;

  function showing(address, by) {
    try {
      const name = `showing ${address}`;
      const left = Math.max(0, Number(localStorage.getItem(name)) + by);
      if (left) localStorage.setItem(name, String(left));
      else localStorage.removeItem(name);
      return left;
    } catch {
      return 1; // Nobody knows: it stays held for as long as ever.
    }
  }

  function count(address) {
    if (address === counted) return;
    if (counted) showing(counted, -1);
    if (address) showing(address, 1);
    counted = address;
  }

  function start() {
    opened = performance.now();
    busy = false;
    going = false;
    count($("[data-close]")?.getAttribute("action") ?? "");
    const words = $("#said")?.textContent.trim();
    if (words) say(words);
    for (const form of all("[data-decide]")) refreshSave(form);
    const decided = all("[data-decide], form[data-key=z]");
    window.setTimeout(() => { for (const form of decided) form.setAttribute("data-ready", ""); }, SETTLE_MS);
  }

  // Readers of the screen are told of what changes in the line, not of what stands there when the page comes.
  function say(words) {
    const line = $("#said");
    if (!line) return;
    line.textContent = "";
    window.setTimeout(() => { line.textContent = words; }, 50);
  }

  function refreshSave(form) {
    const save = $("[data-save]", form);
    if (!save) return;
    const boxes = all("input[name=label]", form);
    const changed = boxes.some((box) => box.checked !== box.hasAttribute("data-model"));
    const none = boxes.every((box) => !box.checked);
    $("span", save).textContent = none ? save.dataset.none : changed ? save.dataset.changed : save.dataset.same;
    if (save.dataset.refused) save.setAttribute("aria-disabled", String(none));
    form.toggleAttribute("data-changed-now", changed);
  }

  // Evidence: a label shows its words, words show their labels.
  function light(labels) {
    // Words that speak for several labels take the colour of the one that is pointed at.
    const row = labels.length === 1 ? $(`.label[data-label="${CSS.escape(labels[0])}"]`) : null;
    const hue = row && getComputedStyle(row).getPropertyValue("--hue");
    for (const mark of all("mark[data-labels]")) {
      const on = labels.some((label) => mark.dataset.labels.split(" ").includes(label));
      mark.classList.toggle("on", on);
      mark.classList.toggle("off", labels.length > 0 && !on);
      mark.style.setProperty("--hue", on && hue ? hue : "");
    }
    for (const row of all(".label[data-label]")) row.classList.toggle("on", labels.includes(row.dataset.label));
  }

  function pointed(event) {
    const row = event.target.closest?.(".label[data-label]");
    const mark = event.target.closest?.("mark[data-labels]");
    if (row) light([row.dataset.label]);
    else if (mark) light(mark.dataset.labels.split(" "));
    else light([]);
  }

  function showLabel(mark) {
    const label = mark.dataset.labels.split(" ")[0];
    const box = $(`.label[data-label="${CSS.escape(label)}"] input`);
    if (!box) return;
    box.closest(".label").scrollIntoView({ block: "nearest" });
    box.focus({ preventScroll: true });
    light(mark.dataset.labels.split(" "));
  }

  function nextEvidence() {
    const marks = all("mark[tabindex]");
    if (!marks.length) return;
    const at = marks.indexOf(document.activeElement);
    const mark = marks[(at + 1) % marks.length];
    mark.focus();
    mark.scrollIntoView({ block: "center" });
  }

  // The queue: arrows choose, Enter opens.
  function move(step) {
    const links = all("[data-cases] a.open");
    if (!links.length) return false;
    const at = links.indexOf(document.activeElement);
    const next = links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    next.focus();
    return true;
  }

  function press(el) {
    const decides = el.matches("[data-decide] button, form[data-key=z]");
    if (decides && (busy || performance.now() - opened < SETTLE_MS)) return;
    if (el.matches("form")) el.requestSubmit();
    else el.click();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const el = document.activeElement ?? document.body;
    const dialog = $("dialog[open]");
    if (event.key === "Escape") {
      if (!dialog && typing(el)) el.blur();
      return;
    }
    if (dialog) return;
    if (typing(el)) {
      if (event.key === "Enter" && el.matches("[data-note]")) {
        event.preventDefault();
        const save = $("[data-save]");
        if (save) press(save);
      }
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "?" || key === "？") return void (event.preventDefault(), $("#keys")?.showModal());
    if (key === "/") return void (event.preventDefault(), $("[data-search]")?.focus());
    if (key === "b" && $("[data-note]")) return void (event.preventDefault(), $("[data-note]").focus());
    if (key === "f" && $("mark[tabindex]")) return void (event.preventDefault(), nextEvidence());
    if (key === "ArrowDown" && move(1)) return void event.preventDefault();
    if (key === "ArrowUp" && move(-1)) return void event.preventDefault();
    if (key === "Enter") {
      if (el.matches("mark[tabindex]")) return void (event.preventDefault(), showLabel(el));
      const save = $("[data-save]");
      if (save && !el.matches("a, button, summary")) {
        event.preventDefault();
        if (!event.repeat) press(save);
      }
      return;
    }
    const target = $(`[data-key="${CSS.escape(key)}"]`);
    if (target && !event.repeat && !target.disabled) {
      event.preventDefault();
      press(target);
    }
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("mouseover", pointed);
  document.addEventListener("focusin", pointed);
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("[data-decide]");
    if (form) refreshSave(form);
    if (event.target.matches("[data-choose-all]")) {
      for (const box of all("input[name=case]")) box.checked = event.target.checked;
    }
  });
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("mark[data-labels]");
    if (mark) showLabel(mark);
    if (event.target.closest("[data-open=keys]")) $("#keys")?.showModal();
    if (event.target.closest("[data-print]")) window.print();
    // Its papers may come next, which are read with the document still in hand.
    if (event.target.closest("a[href]")) going = true;
    for (const menu of all("details.menu[open], details.points[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-decide]")) return;
    if (event.submitter?.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      event.stopImmediatePropagation();
      return say(event.submitter.dataset.refused);
    }
    if (busy) return void (event.preventDefault(), event.stopImmediatePropagation());
    busy = true;
    const spent = $("[data-seconds]", event.target);
    if (spent) spent.value = String(Math.round((performance.now() - opened) / 1000));
  }, true);
  window.addEventListener("pagehide", (event) => {
    const form = $("[data-close]");
    const last = counted !== "" && showing(counted, -1) === 0 && form?.getAttribute("action") === counted;
    counted = "";
    // A page that is kept may be shown again.
    if (last && !going && !event.persisted) navigator.sendBeacon(form.action, new FormData(form));
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) count($("[data-close]")?.getAttribute("action") ?? "");
  });
  // What comes into a page that stands is not a page that opens.
  const page = (event) => (event.detail.target ?? document.body) === document.body;
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!page(event)) return;
    start();
    // Readers of the screen begin with the page, not where the last one's button was.
    if (document.activeElement === document.body) $("#main")?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:sendError", () => {
    busy = false;
    say($("#said")?.dataset.away);
  });
  document.addEventListener("htmx:beforeSwap", (event) => { if (page(event)) window.scrollTo(0, 0); });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
