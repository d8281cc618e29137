// What a page cannot do by itself: keys, running countdowns, the theme switch. Everything else is links and forms.
(function () {
  "use strict";

  const minute = 60, hour = 3600, day = 86400;
  let waitingFor = null;

  function length(seconds) {
    if (seconds < minute) return "under 1 min";
    if (seconds < hour) return Math.floor(seconds / minute) + " min";
    const [big, name, small, less] = seconds < day ? [hour, " h", minute, " min"] : [day, " d", hour, " h"];
    const rest = Math.floor((seconds % big) / small);
    return Math.floor(seconds / big) + name + (rest ? " " + rest + less : "");
  }

  function tick() {
    for (const one of document.querySelectorAll("time[data-countdown]")) {
      const left = (new Date(one.dateTime) - Date.now()) / 1000;
      one.textContent = left < 0 ? length(-left) + " over" : "in " + length(left);
      one.classList.toggle("over", left < 0);
      one.classList.toggle("soon", left >= 0 && left < 2 * hour);
    }
  }

  function rows() {
    return Array.from(document.querySelectorAll("[data-rows] a.row-link, [data-rows] a[data-row]"));
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const now = all.indexOf(document.activeElement);
    const next = all[Math.min(Math.max(now < 0 ? 0 : now + step, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function follow(mark) {
    const link = document.querySelector(mark);
    if (link) window.location.assign(link.href);
  }

  // Yes and no want a reason: the key says which is meant, Ctrl and Enter send it.
  function choose(key) {
    const button = document.querySelector('[data-key="' + key + '"]');
    if (!button) return;
    const lacking = button.form.querySelector(":invalid");
    for (const other of button.form.querySelectorAll("[data-chosen]")) other.removeAttribute("data-chosen");
    button.setAttribute("data-chosen", "");
    if (lacking) lacking.focus();
    else button.click();
  }

  function tick_row() {
    const row = document.activeElement.closest("li");
    const box = row && row.querySelector('input[type="checkbox"]');
    if (box && !box.disabled) box.checked = !box.checked;
  }

  function go(name) {
    const link = document.querySelector('[data-go="' + name + '"]');
    if (link) window.location.assign(link.href);
  }

  function showKeys() {
    const dialog = document.getElementById("keys");
    if (dialog && !dialog.open) dialog.showModal();
  }

  const keys = {
    j: () => (rows().length ? move(1) : follow("[data-next]")),
    k: () => (rows().length ? move(-1) : follow("[data-previous]")),
    a: () => choose("a"),
    r: () => choose("r"),
    x: tick_row,
    "/": () => { const box = document.getElementById("search"); box.focus(); box.select(); },
    "?": showKeys,
    n: () => { const link = document.querySelector('a[rel="next"]'); if (link) window.location.assign(link.href); },
    u: () => { const link = document.querySelector("[data-up]"); if (link) window.location.assign(link.href); },
    w: () => { const link = document.querySelector("[data-write]"); if (link) window.location.assign(link.href); },
    g: () => { waitingFor = "g"; window.setTimeout(() => { waitingFor = null; }, 1200); },
  };

  document.addEventListener("keydown", function (press) {
    const typing = press.target.closest("input, textarea, select, [contenteditable]");
    if (press.key === "Escape" && typing) typing.blur();
    if (press.key === "Enter" && typing && typing.form && typing.form.querySelector("[data-key]")) {
      // Of yes and no, Enter alone is neither.
      const offered = typing.form.querySelectorAll("[data-key]");
      const chosen = offered.length === 1 ? offered[0] : typing.form.querySelector("[data-chosen]");
      if (chosen && (press.ctrlKey || press.metaKey)) typing.form.requestSubmit(chosen);
      press.preventDefault();
      return;
    }
    // The first button of a form is the harmless one: it shows what would go out.
    if (press.key === "Enter" && (press.ctrlKey || press.metaKey) && typing && typing.form) typing.form.requestSubmit(typing.form.querySelector("button"));
    if (typing || press.ctrlKey || press.metaKey || press.altKey || document.querySelector("dialog[open]")) return;
    if (waitingFor === "g") {
      waitingFor = null;
      go(press.key);
      press.preventDefault();
    } else if (keys[press.key]) {
      keys[press.key]();
      press.preventDefault();
    }
  });

  const themes = ["auto", "light", "dark"];
  function setTheme(name) {
    document.cookie = "theme=" + name + ";path=/;max-age=31536000;samesite=lax";
    if (name === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", name);
    for (const one of document.querySelectorAll("[data-set-theme]")) {
      one.setAttribute("aria-pressed", String(one.dataset.setTheme === name));
    }
  }

  // Browsers let a page write to the clipboard over https or on this machine only; elsewhere the text is marked.
  function copyText(button) {
    const from = document.getElementById(button.dataset.copy);
    const done = () => { button.textContent = "Copied"; };
    const mark = () => { window.getSelection().selectAllChildren(from); };
    if (navigator.clipboard) navigator.clipboard.writeText(from.textContent).then(done, mark);
    else mark();
  }

  document.addEventListener("click", function (click) {
    const theme = click.target.closest("[data-set-theme]");
    if (theme && themes.includes(theme.dataset.setTheme)) setTheme(theme.dataset.setTheme);
    if (click.target.closest("[data-show-keys]")) showKeys();
    const copy = click.target.closest("[data-copy]");
    if (copy) copyText(copy);
    const shut = click.target.closest("[data-close]");
    if (shut) shut.closest("dialog").close();
  });

  // A refused form comes back with its errors and status 422: it is to be shown like any other answer.
  document.addEventListener("htmx:beforeSwap", function (swap) {
    if (swap.detail.xhr.status === 422) { swap.detail.shouldSwap = true; swap.detail.isError = false; }
  });
  document.addEventListener("htmx:afterSettle", tick);

  // The list renews itself, but never under the hands of somebody who is moving through it.
  function renew() {
    const list = document.getElementById("queue-list");
    if (list && !document.hidden && !list.contains(document.activeElement)) window.htmx.trigger(list, "renew");
  }

  tick();
  window.setInterval(tick, 20000);
  window.setInterval(renew, 30000);
})();
