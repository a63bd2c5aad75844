// The conversations that this browser keeps: {id: {id, name, at, exchanges}}.
(() => {
  const isnad = window.isnad;
  const { $, text } = isnad;
  const KEPT = "isnad-conversations";
  const MOST = 50;
  let current = null;

  const all = () => { try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; } };
  const sorted = () => Object.values(all()).sort((a, b) => b.at - a.at);
  const keep = (talks) => {
    const latest = Object.values(talks).sort((a, b) => b.at - a.at).slice(0, MOST);
    while (latest.length) {
      try { localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(latest.map((t) => [t.id, t])))); break; }
      catch { latest.pop(); }  // the browser's space is full: the oldest goes
    }
    if (!latest.length) localStorage.removeItem(KEPT);
    isnad.draw();
  };

  isnad.answerAt = (place) => current?.exchanges?.[place]?.answer ?? null;
  isnad.save = (talk) => {
    current = talk;
    if (!talk?.exchanges?.length) return isnad.draw();
    const talks = all();
    keep({ ...talks, [talk.id]: { ...talk, name: talks[talk.id]?.name ?? talk.name, at: Date.now() } });
  };

  const button = (words, act, label) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: words });
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  // What a button deletes is deleted when it is pressed a second time.
  isnad.twice = (pressed, act) => {
    if (pressed.dataset.asked) return act();
    const before = pressed.textContent;
    const label = pressed.getAttribute("aria-label");
    pressed.dataset.asked = "1";
    pressed.textContent = text("conversation_confirm");
    if (label) pressed.setAttribute("aria-label", `${text("conversation_confirm")} (${label})`);
    setTimeout(() => {
      delete pressed.dataset.asked;
      pressed.textContent = before;
      if (label) pressed.setAttribute("aria-label", label);
    }, 4000);
  };
  const rename = (talk, item) => {
    const field = Object.assign(document.createElement("input"), { value: talk.name, dir: "auto" });
    field.setAttribute("aria-label", text("conversation_rename"));
    const done = (save) => {
      if (!field.isConnected) return;
      const name = field.value.trim();
      if (save && name) keep({ ...all(), [talk.id]: { ...talk, name } }); else isnad.draw();
    };
    field.addEventListener("keydown", (event) => {
      if (!["Enter", "Escape"].includes(event.key)) return;
      event.stopPropagation();
      done(event.key === "Enter");
      $(`#isnad-kept [data-talk="${CSS.escape(talk.id)}"]`)?.focus();
    });
    field.addEventListener("blur", () => done(true));
    item.replaceChildren(field);
    field.select();
  };
  const remove = (talk) => {
    const { [talk.id]: gone, ...rest } = all();
    keep(rest);
    if (gone && gone.id === current?.id) $("#isnad-new")?.click();
  };
  const entry = (talk) => {
    const item = document.createElement("li");
    const name = button(talk.name || "—", () => { isnad.resume(talk); isnad.closeDrawer(); });
    Object.assign(name, { dir: "auto", title: talk.name });
    name.dataset.talk = talk.id;
    if (talk.id === current?.id) name.setAttribute("aria-current", "true");
    const change = button("✎", () => rename(talk, item), `${text("conversation_rename")}: ${talk.name}`);
    const drop = button("✕", () => isnad.twice(drop, () => remove(talk)), `${text("conversation_delete")}: ${talk.name}`);
    item.append(name, change, drop);
    return item;
  };
  isnad.draw = () => {
    const list = $("#isnad-kept");
    if (!list) return;
    const talks = sorted();
    list.replaceChildren(...talks.map(entry));
    $("#isnad-delete-all").hidden = talks.length === 0;
  };
  isnad.deleteAll = () => { keep({}); isnad.forget(); };

  // What an answer is as text: its words, its numbers in brackets, and the sources by number.
  isnad.plain = (answer) => {
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
  isnad.download = (words, talk) => {
    const name = (all()[talk?.id]?.name ?? talk?.name ?? "").replace(/[^\p{L}\p{N} -]/gu, "").trim();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([words], { type: "text/markdown" }));
    link.download = `${name || "isnad"}.md`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
})();
