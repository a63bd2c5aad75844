// What the page does in the browser once Gradio has built it: theme, drawers, keys, and what Gradio leaves unsaid.
() => {
  const isnad = window.isnad;
  const { $, text } = isnad;
  const root = document.documentElement;

  // Theme, colour and language.
  isnad.setTheme = (theme) => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    isnad.theme = theme;
    document.body.classList.toggle("dark", { system: dark, light: false, dark: true }[theme] ?? dark);
  };
  isnad.chooseTheme = (theme) => { localStorage.setItem("isnad-theme", theme); isnad.setTheme(theme); };
  isnad.setLanguage = (language) => {
    if (!language || language === isnad.language) return;
    localStorage.setItem("isnad-language", language);
    const address = new URL(location);
    address.searchParams.delete("lang");
    location.replace(address);
  };
  isnad.setTheme(isnad.theme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => isnad.setTheme(isnad.theme));
  if (isnad.accent) document.body.style.setProperty("--isnad-accent", isnad.accent);

  // Drawers: what is in them is Gradio's, the button that opens them and says so is ours.
  const toggle = (name) => $(`[data-drawer=${name}]`);
  const setDrawer = (name, open) => {
    $(`#isnad-${name}`).classList.toggle("isnad-opened", open);
    toggle(name).setAttribute("aria-expanded", String(open));
    if (open) $("button, input", $(`#isnad-${name}`))?.focus();
  };
  isnad.closeDrawer = () => {
    const opened = $(".isnad-drawer.isnad-opened");
    if (!opened) return false;
    const name = opened.id.replace("isnad-", "");
    setDrawer(name, false);
    toggle(name).focus();
    return true;
  };

  const say = (button, words) => {
    const before = button.dataset.before ??= button.textContent;
    button.textContent = words;
    setTimeout(() => { button.textContent = before; }, 2000);
  };
  const copy = async (words) => {
    if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(words);
    const area = Object.assign(document.createElement("textarea"), { value: words });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  const share = async (button) => {
    const answer = isnad.answerAt(button.value.split(".").pop());
    let token = "";
    try { token = await isnad.keep(answer); } catch { /* the server may be gone */ }
    if (token) await copy(`${location.origin}${location.pathname}?answer=${token}`);
    say(button, text(token ? "shared" : "share_failed"));
  };

  // What a button of ours does, by a selector that it matches.
  const buttons = {
    ".isnad-cite, .isnad-open": isnad.openReader,
    ".isnad-copy": async (button) => { await copy(isnad.plain(button.closest(".isnad-answer"))); say(button, text("copied")); },
    ".isnad-share": share,
    "#isnad-delete-all": (button) => isnad.twice(button, isnad.deleteAll),
    "#isnad-new": isnad.closeDrawer,
    ".isnad-close": (button) => { if (button.closest(".isnad-drawer")) isnad.closeDrawer(); else isnad.closeReader(); },
    "[data-drawer]": (button) => setDrawer(button.dataset.drawer, button.getAttribute("aria-expanded") !== "true"),
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const match = button && Object.keys(buttons).find((selector) => button.matches(selector));
    if (match) return buttons[match](button);
    const opened = $(".isnad-drawer.isnad-opened");
    // What was pressed may be a list that Gradio shows elsewhere, or gone by now.
    if (opened && !opened.contains(event.target) && event.target.closest("#isnad-middle, #isnad-reader, header")) isnad.closeDrawer();
  });

  const typing = (element) => element.matches("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      isnad.hideTip() || isnad.closeDrawer() || isnad.closeReader();
    } else if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      $("#isnad-question textarea")?.focus();
    } else if (event.altKey && event.code === "KeyN") {
      event.preventDefault();
      $("#isnad-new")?.click();
    }
  });

  // Names that Gradio gives in English, or as the whole HTML of an answer, where a screen reader needs a word.
  const names = {
    "#isnad-chat [role=log]": "conversation", "#isnad-chat [data-testid=user]": "question", "#isnad-chat [data-testid=bot]": "answer",
    ".reset-button": "reset", ".overflow-menu > button": "more_tabs", "#isnad-upload :is(button, input)": "add_files",
  };
  const label = (element, words) => {
    if (element.getAttribute("aria-label") !== words) element.setAttribute("aria-label", words);
  };
  const mend = () => {
    for (const each of document.querySelectorAll("[data-text]:empty")) each.textContent = text(each.dataset.text);
    for (const each of document.querySelectorAll("[data-label]")) label(each, text(each.dataset.label));
    for (const [selector, key] of Object.entries(names)) {
      for (const each of document.querySelectorAll(selector)) {
        label(each, text(key));
        if (each.localName === "div" && !each.role) each.role = "group";
      }
    }
    for (const each of document.querySelectorAll(".examples[role=list]")) each.role = "group";  // of buttons
    for (const each of document.querySelectorAll("button svg[aria-label]")) each.removeAttribute("aria-label");
    for (const each of document.querySelectorAll("input[aria-label]")) {
      label(each, each.getAttribute("aria-label").replace(/^(number input|range slider) for /, ""));
    }
    // The chat fills the window below what stands above it.
    const layout = $("#isnad-layout");
    const top = layout?.offsetParent ? layout.getBoundingClientRect().top + scrollY : 0;
    if (top > 0) root.style.setProperty("--isnad-top", `${Math.round(top)}px`);
  };
  let due = 0;
  const soon = () => { due ||= requestAnimationFrame(() => { due = 0; mend(); }); };
  new MutationObserver(soon).observe(document.body, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["aria-label", "class"],
  });
  addEventListener("resize", soon);
  mend();
  isnad.draw();
}
