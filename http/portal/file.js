// Documents sent from the page of a client's file. A form that has `data-documents` announces its file to the
// daemon, sends it to the address that comes back, says that it is there, and waits until it was looked at; then
// the page is asked for anew, by GET, and says what is still missing. What was sent is sent: if we cannot hear what became
// of it, the page is asked for all the same, and says it. It is not asked for while another file is being sent, or while
// something that was typed or chosen, or that has failed, would be lost by it: then there is a link. Without this script the
// form stays hidden.
// Nothing is kept here, and nothing is written into the page: texts that may be shown stand in it.
// Source: docs/uploads.md; interface.md 8 (rows c1).
"use strict";

const UNDER_WAY = "inspecting";
const LOOKS = 240;
const PAUSE_MS = 500;

const FIELDS = "input:not([type=hidden]), select, textarea";
const before = new Map([...document.querySelectorAll(FIELDS)].map((field) => [field, field.value]));
let sending = 0;

async function asked(method, url, body) {
  const answer = await fetch(url, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  return answer.json();
}

async function settled(url) {
  try {
    for (let look = 0; look < LOOKS; look += 1) {
      const shown = await asked("GET", url);
      if (shown.status !== UNDER_WAY) {
        return;
      }
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
  } catch {
    // It was taken.
  }
}

// A name as the daemon takes it: one that prints, with blanks of one kind; of a long one its end, which says what it is.
function named(name) {
  const plain = name.replace(/\p{Zs}/gu, " ").replace(/[\p{C}\p{Zl}\p{Zp}/]/gu, "-");
  return [...plain].slice(-255).join("");
}

async function send(form) {
  const [file] = form.querySelector("input[type=file]").files;
  const documents = form.dataset.documents;
  const place = await asked("POST", documents, {
    docType: form.dataset.type,
    filename: named(file.name),
    contentType: file.type,
    sizeBytes: file.size,
  });
  const headers = Object.entries(place.headers).filter(([name]) => name !== "Content-Length");
  const sent = await fetch(place.uploadUrl, { method: place.method, headers, body: file });
  if (!sent.ok) {
    throw new Error(String(sent.status));
  }
  await asked("POST", `${documents}/${place.documentId}/complete`, {});
  await settled(`${documents}/${place.documentId}`);
}

function wouldLose() {
  const failed = document.querySelector("form[data-documents] [role=alert]:not([hidden])");
  const open = [...before].filter(([field]) => field.form.dataset.sent === undefined);
  return failed !== null || open.some(([field, first]) => field.value !== first);
}

async function perform(form) {
  const button = form.querySelector("button");
  const [going, done] = form.querySelectorAll("[role=status]");
  const failed = form.querySelector("[role=alert]");
  button.disabled = true;
  going.hidden = false;
  failed.hidden = true;
  sending += 1;
  try {
    await send(form);
    form.dataset.sent = "";
    done.hidden = false;
  } catch {
    button.disabled = false;
    failed.hidden = false;
  }
  going.hidden = true;
  sending -= 1;
  if (sending === 0 && !wouldLose()) {
    window.location.replace(window.location.pathname);
  }
}

for (const form of document.querySelectorAll("form[data-documents]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    perform(form);
  });
}
