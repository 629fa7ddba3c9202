// Passkeys on our pages. A form that has `data-passkey` asks the daemon for options, the browser for a
// passkey, and then sends itself with what the browser answered; without this script it stays hidden.
// Nothing is kept here, and nothing is written into the page: texts that may be shown stand in it.
// Source: W3C Web Authentication Level 3, sections 5.1 (JSON forms of options and answers) and 5.4, 5.5.
"use strict";

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const named = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

async function options(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
  });
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  const found = await answer.json();
  found.challenge = toBytes(found.challenge);
  return found;
}

async function made(form) {
  const publicKey = await options(form);
  publicKey.user.id = toBytes(publicKey.user.id);
  publicKey.excludeCredentials = named(publicKey.excludeCredentials);
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
  return {
    id, rawId: toText(rawId), type,
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      attestationObject: toText(response.attestationObject),
    },
  };
}

async function shown(form) {
  const publicKey = await options(form);
  publicKey.allowCredentials = named(publicKey.allowCredentials);
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
  return {
    id, rawId: toText(rawId), type,
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      userHandle: response.userHandle === null ? null : toText(response.userHandle),
    },
  };
}

async function perform(form) {
  const [button, note] = [form.querySelector("button"), form.querySelector("[role=alert]")];
  button.disabled = true;
  note.hidden = true;
  try {
    const answer = await (form.dataset.passkey === "create" ? made(form) : shown(form));
    form.elements.namedItem("credential").value = JSON.stringify(answer);
    form.submit();
  } catch {
    note.hidden = false;
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      perform(form);
    });
  }
}
