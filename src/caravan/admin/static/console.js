// "/" goes to the search field. Everything else works without a script.
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[data-search]");
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || !search || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// [data-live] names a stream of events; when it says so, the part of the page is fetched again. Never under somebody's hands.
document.querySelectorAll("[data-live]").forEach((found) => {
  const id = found.id;
  const refresh = () => {
    const part = document.getElementById(id);
    const busy = !part || document.hidden || part.contains(document.activeElement) || part.querySelector("details[open]");
    if (!busy) htmx.ajax("GET", location.href, { target: `#${id}`, select: `#${id}`, swap: "outerHTML" });
    return !busy;
  };
  let waiting = false;
  const open = () => {
    const stream = new EventSource(found.dataset.live);
    stream.addEventListener("changed", () => { waiting = !refresh(); });
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => { refresh(); open(); }, 10000);
    };
    addEventListener("pagehide", () => stream.close(), { once: true });
  };
  document.addEventListener("focusout", () => setTimeout(() => { if (waiting) waiting = !refresh(); }, 200));
  open();
});
