// Keys: "/" looks for something (in the list, where it has a search of its own: Unfold's script does that), "n" adds a row where the list offers it, "g" and "d" goes to the dashboard, "j" and "k"
// go down and up the rows of a list, Enter opens the one; Ctrl+K looks for something from anywhere.
(() => {
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  let waitsForPlace = false;

  document.addEventListener("keydown", (event) => {
    // Unfold's script opens the search of everything by Ctrl+K, but not while somebody types; a search page is typed in from the beginning.
    if (event.key === "k" && (event.ctrlKey || event.metaKey) && event.target.closest("input, textarea, [contenteditable]")) {
      event.preventDefault();
      window.dispatchEvent(new CustomEvent("opencommand"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (waitsForPlace) {
      waitsForPlace = false;
      const home = document.querySelector("#nav-sidebar a[href]");
      if (event.key === "d" && home) window.location.assign(home.href);
      return;
    }
    if (event.key === "/" && !document.getElementById("searchbar")) {
      event.preventDefault();
      window.dispatchEvent(new CustomEvent("opencommand"));
    } else if (event.key === "n") {
      const add = document.querySelector("a.addlink");
      if (add) window.location.assign(add.href);
    } else if (event.key === "g") {
      waitsForPlace = true;
    } else if (event.key === "j" || event.key === "k") {
      toRow(event.key === "j" ? 1 : -1);
    }
  });

  // Each row by its first link: the one after or before the row in which one is.
  const toRow = (step) => {
    const rows = [...document.querySelectorAll("#result_list tr.data-row, .office-table tbody tr")].filter((row) => row.querySelector("a[href]"));
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step];
    if (next) next.querySelector("a[href]").focus();
  };

  // A choice on which the rest of the form depends: data-asks names the parameter by which the page is asked for anew.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset && event.target.dataset.asks;
    if (!name) return;
    const address = new URL(window.location.href);
    address.searchParams.set(name, event.target.value);
    window.location.assign(address);
  });

  // One box ticks all of a page: data-ticks names them.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset && event.target.dataset.ticks;
    if (!name) return;
    document.querySelectorAll(`input[type=checkbox][name="${name}"]:not(:disabled)`).forEach((box) => { box.checked = event.target.checked; });
  });

  // A row that is changed where it stands: its fields come into the page without the rest of it. Escape leaves it, Enter saves.
  const openRow = async (link) => {
    const row = link.closest("tr");
    try {
      const response = await fetch(link.href, { headers: { "X-Requested-With": "fetch" } });
      const found = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(row.id);
      if (!response.ok || !found) throw new Error("not there");
      document.querySelectorAll("tr.is-edited [data-escape]").forEach((each) => closeRow(each.closest("tr")));
      found.before_ = row;
      row.replaceWith(found);
      const first = found.querySelector("input:not([type=hidden]):not([type=checkbox])");
      if (first) { first.focus(); first.select(); }
    } catch {
      window.location.assign(link.href);
    }
  };
  const closeRow = (row) => {
    if (!row.before_) return false;
    row.replaceWith(row.before_);
    const link = row.before_.querySelector("[data-inline]");
    if (link) link.focus();
    return true;
  };
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a[data-inline]");
    const leave = event.target.closest("a[data-escape]");
    if (link) {
      event.preventDefault();
      openRow(link);
    } else if (leave && closeRow(leave.closest("tr"))) {
      event.preventDefault();
    }
  });
  document.addEventListener("keydown", (event) => {
    const row = event.target.closest && event.target.closest("tr.is-edited");
    if (!row || event.key !== "Escape") return;
    const leave = row.querySelector("[data-escape]");
    if (leave && !closeRow(row)) window.location.assign(leave.href);
  });

  // Who came to fill something in begins to type: a form to add, of a verb, or of a search that nothing was asked of yet. Not where that
  // would open a keyboard over half the page.
  const isVisible = (field) => field.offsetParent !== null && field.type !== "hidden" && !field.disabled;
  window.addEventListener("load", () => {
    if (document.activeElement !== document.body || !window.matchMedia("(hover: hover)").matches) return;
    const added = document.querySelector("#django-admin-form-add-constants[data-model-name]");
    const form = added
      ? document.getElementById(`${added.dataset.modelName}_form`)
      : document.querySelector(window.location.search ? ".office-form" : ".office-form, .office-search");
    const first = form && [...form.querySelectorAll("input, select, textarea")].find(isVisible);
    if (first && first.matches("input[type=text], input[type=number], input[type=email], textarea")) first.focus();
  });

  // A page of work in progress: the element says with data-follow where its next state is, and leaves it out when there is none.
  const follow = async (element) => {
    const wait = Number(element.dataset.followSeconds || "2") * 1000;
    await new Promise((resolve) => setTimeout(resolve, wait));
    let next = element;
    try {
      const response = await fetch(element.dataset.follow, { headers: { "X-Requested-With": "fetch" } });
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        next = page.getElementById(element.id) || element;
        if (next !== element) element.replaceWith(next);
      }
    } catch {
      // The server is away for a moment: ask again.
    }
    if (next.dataset.follow) follow(next);
    else window.location.reload(); // what can be done now is another thing, and stands outside of what was followed
  };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-follow]").forEach(follow));
})();
