// Progressive enhancement: every page works without this file.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Boxes that need others (data-needs="services.view invoices.view").

  const words = (text) => (text || "").split(/\s+/).filter(Boolean);

  const peers = (box) => all('input[type="checkbox"]', box.form || document).filter((b) => b.name === box.name);

  const labelOf = (box) => (box.labels.length ? box.labels[0].textContent.trim() : box.value);

  // set ticks or clears boxes and returns those that changed.
  function set(boxes, checked) {
    const changed = boxes.filter((b) => b.checked !== checked && !b.disabled);
    changed.forEach((b) => { b.checked = checked; });
    return changed;
  }

  // tickNeeded ticks what a box needs, and what that needs in turn.
  function tickNeeded(box) {
    const needs = words(box.dataset.needs);
    const changed = set(peers(box).filter((b) => needs.includes(b.value)), true);
    return changed.concat(...changed.map(tickNeeded));
  }

  // clearDependents clears what cannot stand without a box.
  function clearDependents(box) {
    const changed = set(peers(box).filter((b) => words(b.dataset.needs).includes(box.value)), false);
    return changed.concat(...changed.map(clearDependents));
  }

  // say tells what else changed, next to the box, also to screen readers.
  function say(box, verb, changed) {
    const tick = box.closest(".tick");
    if (!tick) return;
    all(".ticked-also", box.form || document).forEach((p) => { p.textContent = ""; });
    let note = tick.querySelector(".ticked-also");
    if (!note) {
      note = document.createElement("p");
      note.className = "ticked-also";
      note.setAttribute("role", "status");
      tick.append(note);
    }
    const text = changed.length ? `${verb}: ${changed.map(labelOf).join(", ")}` : "";
    requestAnimationFrame(() => { note.textContent = text; });
  }

  function follow(box) {
    if (box.checked) say(box, "Also ticked", tickNeeded(box));
    else say(box, "Also cleared", clearDependents(box));
  }

  // Parts of a form that belong to one choice (data-reveals="id").

  function reveal() {
    const shown = new Map();
    all("[data-reveals]").forEach((choice) => {
      const id = choice.dataset.reveals;
      shown.set(id, shown.get(id) || choice.checked);
    });
    shown.forEach((show, id) => {
      const part = document.getElementById(id);
      if (part) part.hidden = !show;
    });
  }

  // Password fields get a button that shows what is typed.

  function addPasswordButton(input) {
    if (input.parentElement.classList.contains("with-button")) return;
    const box = document.createElement("div");
    const button = document.createElement("button");
    box.className = "with-button";
    button.className = "reveal-password";
    button.type = "button";
    button.textContent = "Show";
    button.setAttribute("aria-label", "Show password");
    button.setAttribute("aria-pressed", "false");
    const focused = document.activeElement === input;
    input.replaceWith(box);
    box.append(input, button);
    if (focused) input.focus();
    button.addEventListener("click", () => togglePassword(input, button));
  }

  function togglePassword(input, button) {
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.textContent = show ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(show));
  }

  // A password never leaves as text that the browser remembers.
  function hidePasswords(form) {
    all(".with-button > input", form).forEach((input) => { input.type = "password"; });
  }

  // Menus close on Escape, on a click elsewhere, and when another one opens.

  function closeMenus(except) {
    all("details.menu[open]").forEach((menu) => {
      if (!except || !menu.contains(except)) menu.open = false;
    });
  }

  function escape() {
    const open = all("details.menu[open]").pop();
    if (!open) return;
    const inside = open.contains(document.activeElement);
    open.open = false;
    if (inside) open.querySelector("summary").focus();
  }

  // The switcher: narrow the list while typing, walk it with the arrows.

  const links = (menu) => all("li:not([hidden]) a", menu.querySelector("[data-switch-list]"));

  function filterAccounts(input) {
    const wanted = words(input.value.toLocaleLowerCase());
    all("li", input.closest(".menu").querySelector("[data-switch-list]")).forEach((row) => {
      const text = row.textContent.toLocaleLowerCase();
      row.hidden = !wanted.every((w) => text.includes(w));
    });
  }

  function walk(menu, event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const rows = links(menu);
    const at = rows.indexOf(document.activeElement);
    const search = menu.querySelector("[data-switch-search]");
    const next = at + step < 0 ? search : rows[Math.min(at + step, rows.length - 1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  // enter goes to the account when only one is left in the list.
  function enter(form, event) {
    const input = form.querySelector("[data-switch-search]");
    const rows = input && input.value.trim() ? links(form.closest(".menu")) : [];
    if (rows.length !== 1) return;
    event.preventDefault();
    location.assign(rows[0].href);
  }

  // The box that finds everything: what was found is listed below it, and the
  // arrows walk the list while the words stay where one types.

  const finder = () => document.querySelector("[data-find]");

  const options = (form) => all('[role="option"]', form);

  function showFound(form, open) {
    const panel = form.querySelector(".find-panel");
    panel.hidden = !open || !panel.textContent.trim();
    const input = form.querySelector("[role=combobox]");
    input.setAttribute("aria-expanded", String(!panel.hidden && options(form).length > 0));
    if (panel.hidden) choose(form, -1);
  }

  // choose marks the hit to which Enter goes; none when there is no such one.
  function choose(form, at) {
    const input = form.querySelector("[role=combobox]");
    options(form).forEach((o, i) => o.setAttribute("aria-selected", String(i === at)));
    const chosen = options(form)[at];
    if (!chosen) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }

  const chosenAt = (form) => options(form).findIndex((o) => o.getAttribute("aria-selected") === "true");

  function findKey(form, event) {
    const panel = form.querySelector(".find-panel");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = chosenAt(form);
    if (step) {
      event.preventDefault();
      const n = options(form).length;
      showFound(form, true);
      if (n) choose(form, at < 0 && step < 0 ? n - 1 : at + step >= n ? -1 : at + step);
    } else if (event.key === "Escape" && !panel.hidden) {
      event.preventDefault(); // the words stay
      showFound(form, false);
    }
  }

  // goToChosen goes to the hit that the arrows have come to, if there is one.
  function goToChosen(form, event) {
    const chosen = options(form)[chosenAt(form)];
    if (!chosen) return;
    event.preventDefault();
    location.assign(chosen.href);
  }

  // "/" goes to the box that finds everything or else to the page's search
  // field, Ctrl-K to the switcher.

  const typing = (e) => e.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  function focusSearch() {
    const field = document.querySelector("[data-find] input, main [data-search]") || document.querySelector("[data-search]");
    if (!field) return openSwitcher();
    field.focus();
    field.select();
    return true;
  }

  function openSwitcher() {
    const menu = document.querySelector("[data-switcher]");
    if (!menu) return false;
    menu.open = true;
    menu.querySelector("[data-switch-search]").focus();
    return true;
  }

  function shortcut(event) {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "/" && plain && !typing(event)) return focusSearch();
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      return openSwitcher() || focusSearch();
    }
    return false;
  }

  // Passkeys: a form marked data-passkey is filled in by the browser's own
  // prompt. Where it says data-auto, the browser offers them in the address
  // field as well.

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // decoded turns the server's options into those that the browser takes.
  function decoded(options) {
    const named = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));
    const out = { ...options, challenge: bytes(options.challenge) };
    if (options.user) out.user = { ...options.user, id: bytes(options.user.id) };
    if (options.excludeCredentials) out.excludeCredentials = named(options.excludeCredentials);
    if (options.allowCredentials) out.allowCredentials = named(options.allowCredentials);
    return out;
  }

  // encoded is the browser's answer as the server reads it.
  function encoded(credential) {
    const { response } = credential;
    const parts = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) parts[name] = text(response[name]);
    }
    if (response.getTransports) parts.transports = response.getTransports();
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  }

  async function ask(form, mediation, signal) {
    const answer = await fetch(form.dataset.begin, { method: "POST", headers: { Accept: "application/json" } });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail || "This did not work. Reload the page and try again.");
    const publicKey = decoded(body);
    const credential = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey, signal })
      : await navigator.credentials.get({ publicKey, signal, mediation });
    form.querySelector("[name=response]").value = encoded(credential);
    form.submit();
  }

  let offer; // the one in the address field, which makes way for a button
  let last = Promise.resolve(); // the browser has one prompt, and one challenge, at a time

  function passkey(form, mediation) {
    if (offer) offer.abort();
    const stop = new AbortController();
    if (mediation) offer = stop;
    last = last.catch(() => {}).then(() => ask(form, mediation, stop.signal));
    return last;
  }

  const refusals = {
    NotAllowedError: "Nothing was chosen, or it took too long. Try again.",
    InvalidStateError: "This device has a passkey for your login already.",
    SecurityError: "Passkeys do not work at this address.",
  };

  async function pressPasskey(form) {
    const problem = form.querySelector("[data-passkey-problem]");
    const buttons = all("button", form);
    problem.hidden = true;
    buttons.forEach((b) => { b.disabled = true; });
    try {
      await passkey(form);
    } catch (e) {
      problem.textContent = refusals[e.name] || e.message;
      problem.hidden = false;
      buttons.forEach((b) => { b.disabled = false; });
    }
  }

  async function offerPasskeys(form) {
    const known = PublicKeyCredential.isConditionalMediationAvailable;
    if (!known || !(await PublicKeyCredential.isConditionalMediationAvailable())) return;
    passkey(form, "conditional").catch(() => {});
  }

  function beginPasskeys() {
    if (!window.PublicKeyCredential || !navigator.credentials) return;
    all("[data-no-passkeys]").forEach((e) => { e.hidden = true; });
    all("form[data-passkey]").forEach((form) => {
      form.hidden = false;
      if (form.hasAttribute("data-auto")) offerPasskeys(form);
    });
  }

  // begin prepares what has just come into the page.
  function begin(root) {
    all('input[type="password"]', root).forEach(addPasswordButton);
    reveal();
  }

  document.addEventListener("change", (e) => {
    if (e.target.matches('input[type="checkbox"]')) follow(e.target);
    if (e.target.matches('input[type="radio"], input[type="checkbox"]')) reveal();
  });
  document.addEventListener("input", (e) => {
    if (e.target.matches("[data-switch-search]")) filterAccounts(e.target);
  });
  document.addEventListener("submit", (e) => {
    hidePasswords(e.target);
    if (e.target.matches("form[data-passkey]")) {
      e.preventDefault();
      pressPasskey(e.target);
    }
    if (e.target.matches(".zone-search")) enter(e.target, e);
    if (e.target.matches("[data-find]")) goToChosen(e.target, e);
  });
  document.addEventListener("click", (e) => closeMenus(e.target));
  document.addEventListener("focusin", (e) => {
    const form = finder();
    if (form && !form.contains(e.target)) showFound(form, false);
  });
  document.addEventListener("pointerdown", (e) => {
    const form = finder();
    if (form && !form.contains(e.target)) showFound(form, false);
  });
  document.addEventListener("toggle", (e) => {
    if (!e.target.matches("[data-switcher][open]") || matchMedia("(pointer: coarse)").matches) return;
    const inside = e.target.querySelector(".menu-panel").contains(document.activeElement);
    if (!inside) e.target.querySelector("[data-switch-search]").focus();
  }, true);
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") escape();
    const menu = e.target.closest("[data-switcher][open]");
    if (menu) walk(menu, e);
    const find = e.target.closest("[data-find]");
    if (find) findKey(find, e);
    if (shortcut(e)) e.preventDefault();
  });
  document.addEventListener("htmx:after:swap", () => {
    begin(document);
    const form = finder();
    if (form && form.contains(document.activeElement)) showFound(form, true);
  });
  // A list that was answered by a redirect, as to the sign-in page, is followed
  // by the whole page.
  document.addEventListener("htmx:before:response", (e) => {
    const { request, response } = e.detail.ctx;
    const raw = response && response.raw;
    if (!raw || !raw.redirected || request.method !== "GET") return;
    e.preventDefault();
    location.assign(raw.url);
  });
  document.documentElement.classList.add("is-scripted");
  begin(document);
  beginPasskeys();
  const wrong = document.querySelector("main :is(input, select, textarea)[aria-invalid]");
  if (wrong && !wrong.autofocus) wrong.focus();
})();
