// Sets light or dark before the first paint; the page itself takes over once it runs.
(function () {
  var kept = null;
  try {
    kept = localStorage.getItem("saccade-scheme");
  } catch (e) {
    kept = null;
  }
  var dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
