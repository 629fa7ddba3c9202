// Documents sent from the page of a client's file. A form that has `data-documents` announces its file to the
// daemon, sends it to the address that comes back, says that it is there, and waits until it was looked at; then
// the page is asked for anew, by GET, and says what is still missing. What was sent is sent: if we cannot hear what became
// of it, the page is asked for all the same, and says it. Without this script the form stays hidden.
// Nothing is kept here, and nothing is written into the page: texts that may be shown stand in it.
// Source: docs/uploads.md; interface.md 8 (rows c1).
"use strict";

const UNDER_WAY = "inspecting";
const LOOKS = 240;
const PAUSE_MS = 500;

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

async function send(form) {
  const [file] = form.querySelector("input[type=file]").files;
  const documents = form.dataset.documents;
  const place = await asked("POST", documents, {
    docType: form.dataset.type,
    filename: file.name.replaceAll("/", "-").slice(0, 255),
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

async function perform(form) {
  const button = form.querySelector("button");
  const [going, failed] = [form.querySelector("[role=status]"), form.querySelector("[role=alert]")];
  button.disabled = true;
  going.hidden = false;
  failed.hidden = true;
  try {
    await send(form);
    window.location.replace(window.location.pathname);
  } catch {
    button.disabled = false;
    going.hidden = true;
    failed.hidden = false;
  }
}

for (const form of document.querySelectorAll("form[data-documents]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    perform(form);
  });
}
