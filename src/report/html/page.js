"use strict";
// Searches, filters and shows one lesson at a time. It sets classes, `hidden` and texts, and makes no element.
(() => {
  const root = document.documentElement;
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const search = document.getElementById("search");
  const buttons = all("button[data-status]");
  const items = all("[data-lesson]");
  const groups = all(".chapter, section.overview");
  const lessons = all("article");
  const shown = document.getElementById("shown");
  const said = new Map();

  // What a search looks at: a lesson's title, chapter, page, status, and its findings.
  const words = (number) => {
    if (!said.has(number)) {
      const lesson = document.getElementById("lesson-" + number);
      const parts = lesson ? lesson.querySelectorAll(".crumbs, h2, .place, [data-find]") : [];
      said.set(number, Array.from(parts, (part) => part.textContent).join("\n").toLowerCase());
    }
    return said.get(number);
  };

  const filter = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = new Set(buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.status));
    const found = new Set();
    for (const item of items) {
      const number = item.dataset.lesson;
      const fits = (statuses.size === 0 || statuses.has(item.dataset.is)) && wanted.every((word) => words(number).includes(word));
      item.hidden = !fits;
      if (fits) found.add(number);
    }
    for (const group of groups) group.hidden = !group.querySelector("[data-lesson]:not([hidden])");
    const count = lessons.length === 1 ? "1 lesson" : lessons.length + " lessons";
    shown.textContent = found.size === lessons.length ? count : found.size + " of " + count;
  };

  // What is filtered by stands in the address: to come back to, and to send to somebody.
  const keep = () => {
    const state = new URLSearchParams();
    const statuses = buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.status);
    if (statuses.length) state.set("status", statuses.join(","));
    if (search.value) state.set("search", search.value);
    history.replaceState(null, "", "#" + (state.toString() || "top"));
    filter();
  };
  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    if (!state.has("status") && !state.has("search")) return;
    const statuses = (state.get("status") || "").split(",");
    for (const button of buttons) button.setAttribute("aria-pressed", String(statuses.includes(button.dataset.status)));
    search.value = state.get("search") || "";
    filter();
  };

  // A fragment is a lesson, or something in one.
  const turn = (by) => {
    const id = location.hash.slice(1);
    const target = id ? document.getElementById(id) : null;
    const lesson = target ? target.closest("article") : null;
    for (const other of lessons) other.classList.toggle("open", other === lesson);
    root.classList.toggle("one", Boolean(lesson));
    if (!target) return;
    if (lesson && target === lesson) {
      window.scrollTo(0, 0);
      if (by) lesson.querySelector("h2").focus({ preventScroll: true });
    } else if (lesson) {
      for (let at = target; at; at = at.parentElement) if (at.localName === "details") at.open = true;
      target.scrollIntoView({ block: "center" });
      if (by) target.focus({ preventScroll: true });
    } else if (by) {
      window.scrollTo(0, 0);
    }
  };

  root.classList.add("script");
  if (search) {
    search.closest("[hidden]").hidden = false;
    search.addEventListener("input", keep);
    for (const button of buttons) {
      button.disabled = false;
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        keep();
      });
    }
    document.getElementById("all").addEventListener("click", () => {
      search.value = "";
      for (const button of buttons) button.setAttribute("aria-pressed", "false");
      keep();
      search.focus();
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/" && !/^(input|textarea|select)$/.test(document.activeElement.localName)) {
        event.preventDefault();
        if (root.classList.contains("one")) location.hash = "#top";
        root.classList.remove("one");
        search.focus();
        search.select();
      } else if (event.key === "Escape" && document.activeElement === search) {
        search.value = "";
        keep();
      }
    });
    filter();
    recall();
    window.addEventListener("hashchange", recall);
  }
  window.addEventListener("hashchange", () => turn(true));
  turn(false);
})();
