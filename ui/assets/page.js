// What the page does in the browser: sources beside the answer, drawers, keys, and the conversations kept here.
() => {
  const isnad = window.isnad;
  const texts = isnad.text;
  const $ = (selector, root = document) => root.querySelector(selector);
  const chosen = { system: matchMedia("(prefers-color-scheme: dark)").matches, light: false, dark: true };

  // Theme, frame and colour.
  isnad.setTheme = (theme) => {
    const name = theme in chosen ? theme : "system";
    localStorage.setItem("isnad-theme", name);
    document.body.classList.toggle("dark", chosen[name]);
  };
  if (isnad.theme) document.body.classList.toggle("dark", chosen[isnad.theme] ?? chosen.system);
  if (isnad.accent) document.documentElement.style.setProperty("--isnad-accent", isnad.accent);
  isnad.setLanguage = (language) => {
    if (!language || language === isnad.language) return;
    localStorage.setItem("isnad-language", language);
    const address = new URL(location);
    address.searchParams.delete("lang");
    location.replace(address);
  };

  // Drawers: what is in them is Gradio's, the button that opens them and says so is ours.
  const drawer = (name) => $("#isnad-" + name);
  const setDrawer = (name, open) => {
    drawer(name)?.classList.toggle("isnad-opened", open);
    $(`[data-drawer=${name}]`)?.setAttribute("aria-expanded", String(open));
    if (open) $("button, input, textarea, select", drawer(name))?.focus();
  };
  const wide = () => matchMedia("(min-width: 1200px)").matches;

  // The reader beside the chat.
  let opener = null;
  const reader = () => $("#isnad-reader");
  const close = () => {
    if (!reader()?.classList.contains("isnad-opened")) return false;
    reader().classList.remove("isnad-opened");
    document.body.classList.remove("isnad-reading");
    opener?.focus();
    return true;
  };
  isnad.open = async (reference, button) => {
    opener = button;
    const body = $("#isnad-reader .isnad-reader-body");
    const use = [...(button?.closest(".isnad-answer")?.querySelectorAll(".isnad-use") ?? [])]
      .find((each) => $(".isnad-cite", each).value === reference);
    reader().classList.add("isnad-opened");
    document.body.classList.add("isnad-reading");
    let found = "";
    try { found = await isnad.read([reference, isnad.language]); } catch { /* the server may be gone */ }
    body.innerHTML = found || `<p class="isnad-hint">${texts("reader_gone")}</p>`;
    if (!found && use) body.append($(".isnad-passage", use).cloneNode(true));
    const mark = $("mark", body) ?? $(".isnad-around", body);
    for (const translation of use?.querySelectorAll(".isnad-translation") ?? []) {
      (mark?.closest("p") ?? body.lastElementChild).after(translation.cloneNode(true));
    }
    ($(".isnad-reader-title", body) ?? body).focus({ preventScroll: true });
    // Only the reader is scrolled; the page stays where it is.
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pane = [$("aside", reader()), reader()].find((each) => each.scrollHeight > each.clientHeight + 1);
    if (!mark || !pane) return;
    const offset = mark.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
    pane.scrollBy({ top: offset, behavior: still ? "auto" : "smooth" });
  };

  // What an answer is as text: its words, its numbers in brackets, and the sources by number.
  const plain = (answer) => {
    const said = $(".isnad-said", answer).cloneNode(true);
    said.querySelectorAll(".isnad-tip").forEach((each) => each.remove());
    said.querySelectorAll(".isnad-cite").forEach((each) => each.replaceWith(`[${each.value.split(":")[0]}]`));
    const paragraphs = [...said.children].map((each) => each.textContent.trim());
    const sources = [...answer.querySelectorAll(".isnad-source")].map((each) => {
      const numbers = [...each.querySelectorAll(".isnad-number")].map((n) => `[${n.textContent}]`).join("");
      const link = $(".isnad-link a", each)?.href ?? "";
      return `${numbers} ${$(".isnad-title", each).textContent} · ${$(".isnad-about", each).textContent} ${link}`.trim();
    });
    return [...paragraphs, sources.join("\n")].filter(Boolean).join("\n\n");
  };
  const say = (button, words) => {
    const before = button.textContent;
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

  // The conversations that this browser keeps: {id: {id, name, at, exchanges}}.
  const KEPT = "isnad-conversations";
  const MOST = 50;
  const all = () => { try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; } };
  const keep = (talks) => {
    const latest = Object.values(talks).sort((a, b) => b.at - a.at).slice(0, MOST);
    while (latest.length) {
      try { localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(latest.map((t) => [t.id, t])))); break; }
      catch { latest.pop(); }  // the browser's space is full: the oldest goes
    }
    if (!latest.length) localStorage.removeItem(KEPT);
    draw();
  };
  let current = "";
  let exchanges = [];
  isnad.share = async (place) => isnad.keep(exchanges[place]?.answer ?? null);
  isnad.save = (talk) => {
    current = talk?.id ?? "";
    exchanges = talk?.exchanges ?? [];
    if (!talk?.exchanges?.length) return draw();
    const talks = all();
    keep({ ...talks, [talk.id]: { ...talk, name: talks[talk.id]?.name ?? talk.name, at: Date.now() } });
  };
  const button = (words, act, label) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: words });
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const sure = (act, name) => {
    const made = button("✕", () => {
      if (made.dataset.asked) return act();
      made.dataset.asked = "1";
      made.textContent = texts("conversation_confirm");
      setTimeout(() => { delete made.dataset.asked; made.textContent = "✕"; }, 4000);
    }, `${texts("conversation_delete")}: ${name}`);
    return made;
  };
  const rename = (talk, item) => {
    const field = Object.assign(document.createElement("input"), { value: talk.name, dir: "auto" });
    field.setAttribute("aria-label", texts("conversation_rename"));
    const done = (save) => {
      if (save && field.value.trim()) keep({ ...all(), [talk.id]: { ...talk, name: field.value.trim() } }); else draw();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") { event.stopPropagation(); done(event.key === "Enter"); }
    });
    field.addEventListener("blur", () => done(true));
    item.replaceChildren(field);
    field.focus();
  };
  const draw = () => {
    const list = $("#isnad-kept");
    if (!list) return;
    const talks = Object.values(all()).sort((a, b) => b.at - a.at);
    list.replaceChildren(...talks.map((talk) => {
      const item = document.createElement("li");
      const name = button(talk.name || "—", () => isnad.resume(talk));
      name.dir = "auto";
      if (talk.id === current) name.setAttribute("aria-current", "true");
      const change = button("✎", () => rename(talk, item), `${texts("conversation_rename")}: ${talk.name}`);
      const drop = sure(() => {
        const { [talk.id]: gone, ...rest } = all();
        keep(rest);
        if (gone?.id === current) $("#isnad-new")?.click();
      }, talk.name);
      item.append(name, change, drop);
      return item;
    }));
    $("#isnad-kept-none").hidden = talks.length > 0;
  };
  isnad.deleteAll = () => { localStorage.removeItem(KEPT); draw(); };
  isnad.draw = draw;
  isnad.download = (name, words) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([words], { type: "text/markdown" }));
    link.download = `${name.replace(/[^\p{L}\p{N} -]/gu, "").trim() || "isnad"}.md`;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  document.addEventListener("click", async (event) => {
    const target = event.target.closest("button");
    if (!target) return;
    if (target.matches(".isnad-cite, .isnad-open")) isnad.open(target.value, target);
    else if (target.matches(".isnad-copy")) { await copy(plain(target.closest(".isnad-answer"))); say(target, texts("copied")); }
    else if (target.matches(".isnad-share")) {
      const token = await isnad.share(target.value.split(".").pop());
      if (token) await copy(`${location.origin}${location.pathname}?answer=${token}`);
      say(target, texts(token ? "shared" : "share_failed"));
    }
    else if (target.matches(".isnad-close")) close();
    else if (target.dataset.drawer) setDrawer(target.dataset.drawer, target.getAttribute("aria-expanded") !== "true");
  });
  const typing = (element) => element.matches("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const opened = $(".isnad-drawer.isnad-opened");
      if (close() || !opened || wide() && opened.id === "isnad-conversations") return;
      const name = opened.id.replace("isnad-", "");
      setDrawer(name, false);
      $(`[data-drawer=${name}]`)?.focus();
    } else if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      $("#isnad-question textarea")?.focus();
    } else if (event.altKey && event.code === "KeyN") {
      event.preventDefault();
      $("#isnad-new")?.click();
    }
  });

  // Words of ours that are not Gradio's components.
  const translate = () => {
    document.querySelectorAll("[data-text]").forEach((each) => { each.textContent = texts(each.dataset.text); });
    document.querySelectorAll("[data-label]").forEach((each) => {
      each.setAttribute("aria-label", texts(each.dataset.label));
    });
  };
  translate();
  draw();
  new MutationObserver(() => { if ($("[data-text]:empty")) { translate(); draw(); } })
    .observe(document.body, { childList: true, subtree: true });
}
