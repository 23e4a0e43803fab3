// What every page of the console needs. Pages work without it, except the live inbox.

// HTMX sends the session's form token with everything that it sends.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.body.dataset.csrf;
  if (token) event.detail.headers["X-CSRF-Token"] = token;
});

// Refusals are short texts; they are shown instead of being swallowed.
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const isText = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  if (isText) announce(xhr.responseText);
});

document.addEventListener("htmx:sendError", () => announce(document.body.dataset.offline || "…"));

/** Shows a short message for some seconds; screen readers read it. */
export function announce(text) {
  let toast = document.getElementById("toast");
  if (!toast) {
    toast = document.createElement("p");
    toast.id = "toast";
    toast.className = "toast";
    toast.setAttribute("role", "alert");
    document.body.append(toast);
  }
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => (toast.hidden = true), 8000);
}

// A link to be copied is selected by one click.
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("input[data-select]")) event.target.select();
});
