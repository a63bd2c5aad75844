// Runs before Gradio starts: the language of the page, its direction and theme, from the address or this browser's memory.
(() => {
  const spoken = Object.keys(window.isnadTexts);
  const given = new URLSearchParams(location.search);
  const read = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const wanted = [given.get("lang"), read("isnad-language"), ...(navigator.languages || []), "en"];
  const primary = (code) => (code || "").toLowerCase().split("-")[0];
  const language = wanted.map(primary).find((code) => spoken.includes(code));
  const locale = language === "zh" ? "zh-CN" : language;
  // Gradio's own words follow the browser's language; a page may be wanted in another.
  Object.defineProperty(navigator, "language", { get: () => locale });
  const rtl = ["ar", "fa"].includes(language);
  const root = document.documentElement;
  Object.assign(root, { lang: language, dir: rtl ? "rtl" : "ltr" });
  const embed = given.get("embed") === "1";
  root.classList.toggle("isnad-embedded", embed);
  const theme = [given.get("theme"), read("isnad-theme")].find((each) => ["system", "light", "dark"].includes(each));
  const accent = /^#?([0-9a-f]{6})$/i.exec(given.get("accent") || "");
  window.isnad = {
    language, embed, theme: theme ?? "system", accent: accent ? "#" + accent[1] : "",
    text: (key) => window.isnadTexts[language][key] ?? window.isnadTexts.en[key],
    $: (selector, within = document) => within.querySelector(selector),
  };
})();
