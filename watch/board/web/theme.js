// Before anything is drawn: the theme that this viewer chose last; without a choice the system's own holds.
(() => {
  const KEY = "roompulse-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is forbidden: the choice lasts as long as the page
    }
  };
  const apply = (name) => {
    root.dataset.theme = name === "dark" || name === "light" ? name : system.matches ? "dark" : "light";
    dispatchEvent(new Event("roompulse-theme"));
  };
  apply(chosen());
  system.addEventListener("change", () => apply(chosen()));
  globalThis.roompulseToggleTheme = () => {
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // as above
    }
    apply(next);
  };
})();
